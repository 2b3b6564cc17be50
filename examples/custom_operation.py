"""Operations of your own in a fabric, searched: examples/scale_operation.py defines
them.

    python examples/custom_operation.py [epochs]

On the command line the same is

    bsngraph search FABRIC --ops examples/scale_operation.py --data digits \\
        --budget macs=70% --out runs/own
"""

import sys
import tempfile
from pathlib import Path

import scale_operation  # noqa: F401  (importing it registers its operations)

import bsngraph

FABRIC = """
digraph own {
  graph [source=image, target=scores, channels=8];
  node  [merge=mean];
  image [input="1x8x8"];
  edge  [channels="$channels"];
  image -> a  [op=conv, activation=relu, fixed=true];
  a -> b      [op=gated_conv];
  a -> b      [op=conv];
  a -> b      [op=scale, factor=0.1];
  b -> c      [op=max_pool];
  c -> scores [op=classifier, classes=10, fixed=true];
}
"""

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
out = Path(tempfile.mkdtemp())
(out / "own.dot").write_text(FABRIC)

# No cost formula is needed: MACs and parameters of the two operations are counted as
# those of all others are.
profile = bsngraph.profile_fabric(bsngraph.read_fabric(out / "own.dot"))
for edge, macs, params in zip(profile.fabric.edges, profile.macs, profile.params, strict=True):
    print(f"{edge.name:14} {edge.op:10} {macs:8.0f} MACs {params:6.0f} parameters")

result = bsngraph.search(
    profile,
    "digits",
    ["macs=70%"],
    out=out / "run",
    seed=0,
    recipe=bsngraph.Recipe(epochs=epochs, batch_size=64),
    settings=bsngraph.SearchSettings(finetune_epochs=epochs),
)
print(
    f"test accuracy {100 * result.test_accuracy:.1f} % with "
    f"{', '.join(edge.op for edge in result.fabric.edges)}"
)
