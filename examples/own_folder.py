"""From a folder of your own images to a searched network: sub-folders are classes,
nothing else is needed.

    python examples/own_folder.py [EPOCHS [FOLDER]]

Without a FOLDER, scikit-learn's digits stand in for your images: they are written as
PNG files first.
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_digits

import bsngraph
from bsngraph.data import parse_augmentation
from bsngraph.fabric.families import resnet_fabric


def write_digits(folder: Path, each: int = 60) -> Path:
    """FOLDER/CLASS/NUMBER.png, as your own folder would be."""
    bunch = load_digits()
    for label in (0, 1, 7):
        (folder / str(label)).mkdir(parents=True)
        for number, image in enumerate(bunch.images[bunch.target == label][:each]):
            Image.fromarray((image * 255 / 16).astype("uint8")).save(folder / str(label) / f"{number}.png")
    return folder


out = Path(tempfile.mkdtemp())
epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
folder = Path(sys.argv[2]) if len(sys.argv) > 2 else write_digits(out / "images")

# Every image is read once here. What cannot be used would be an error that names it;
# skip_bad leaves it out and says so.
data = bsngraph.load_data(f"folder:{folder},size=16", skip_bad=True, notify=print)
print(
    f"{len(data.train)} images to train on, {len(data.validation)} to choose with, {len(data.test)} to test"
)
print(f"{'x'.join(map(str, data.input_shape))}, classes: {', '.join(data.class_names)}")

# The usual augmentation shifts images a little; say what else does no harm to yours.
data = data.with_augmentation(parse_augmentation("shift=2,cutout=3"))

# A fabric that fits: small here, so that the example is quick.
fabric = resnet_fabric(
    input_shape=data.input_shape, classes=len(data.class_names), groups=2, blocks=1, channels=8, merge="mean"
)

recipe = bsngraph.Recipe(epochs=epochs, batch_size=16)
settings = bsngraph.SearchSettings(candidates=8, finetune_epochs=max(epochs // 3, 1))
result = bsngraph.search(
    fabric, data, ["macs=50%"], out=out / "run", seed=0, recipe=recipe, settings=settings
)
macs = result.summary["costs"]["macs"]
print(
    f"test accuracy {100 * result.test_accuracy:.1f} % with {100 * macs['value'] / macs['fabric']:.0f} % "
    f"of the MACs; run in {out / 'run'}"
)
