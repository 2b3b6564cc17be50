"""Search a network that says of every pixel which digit it belongs to; measure it, and
paint what it says.

    python examples/segmentation.py [epochs]

On the command line the same is

    bsngraph search fabrics/scenes.dot --data digit-scenes --budget macs=30% \\
        --batch-size 16 --class-weights 0.4,8,8,8,8,8,8,8,8,8,8 --out runs/scenes
    bsngraph predict runs/scenes --data digit-scenes --limit 4 -o painted
"""

import sys
import tempfile
from pathlib import Path

import bsngraph

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
out = Path(tempfile.mkdtemp())

# Scenes of handwritten digits, 32x32 pixels: each pixel is background, or one of ten
# digits. A name takes options after commas.
data = bsngraph.load_data(
    "digit-scenes,train=1000" if epochs > 5 else "digit-scenes,train=32,validation=16,test=16"
)
fabric = bsngraph.read_fabric("fabrics/scenes.dot")

# Nine of ten pixels are background. Without weights a young network calls all pixels
# background. "balanced" weighs classes by how rare they are; a little less than that
# keeps the digits' outlines sharp.
recipe = bsngraph.Recipe(epochs=epochs, batch_size=16, class_weights=(0.4, *[8.0] * 10))
settings = bsngraph.SearchSettings(finetune_epochs=epochs // 2, candidates=4)
result = bsngraph.search(
    fabric, data, ["macs=30%"], out=out / "run", seed=0, recipe=recipe, settings=settings
)

test = result.summary["metrics"]["test"]
print(f"mean IoU {100 * test['mean_iou']:.1f} %, {100 * test['pixel_accuracy']:.1f} % of the pixels right")
for name, overlap in test["iou"].items():
    print(f"  {name:10} {overlap:.3f}")

# This writes class maps, whose values are class numbers, and overlays. images=FOLDER
# takes your own images instead.
painted = bsngraph.predict(out / "run", data=data, out=out / "painted", limit=4)
print(f"{len(painted.files)} pictures, the first of them {painted.files[1]}")
