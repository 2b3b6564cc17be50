"""Read a fabric, compile it, search it, prune it, draw it: the command line's main job
in a few lines of Python.

    python examples/quickstart.py [epochs]
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

import bsngraph

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
out = Path(tempfile.mkdtemp())

# A fabric is a graph file; `--set` on the command line is a mapping here.
fabric = bsngraph.read_fabric("fabrics/digits.dot", {"channels": 8})
print(f"{fabric.name}: {len(fabric.edges)} edges, {len(fabric.searchable)} searchable")

# Compiled, it is an nn.Module that runs any sample of its edges: one row of Booleans
# for each example.
net = bsngraph.compile_fabric(fabric, seed=0)
sample = np.random.default_rng(0).random((4, len(fabric.edges))) < 0.9
print("scores of four samples:", tuple(net(torch.randn(4, 1, 8, 8), sample).shape))

# The search: inside every budget, or an InfeasibleBudgetError that says what the
# cheapest sub-network costs.
recipe = bsngraph.Recipe(epochs=epochs)
settings = bsngraph.SearchSettings(finalist_epochs=max(epochs // 6, 1), finetune_epochs=epochs // 2)
result = bsngraph.search(
    fabric, "digits", ["macs=25%"], out=out / "search", seed=0, recipe=recipe, settings=settings
)
macs = result.summary["costs"]["macs"]
print(
    f"test accuracy {100 * result.test_accuracy:.1f} % with {100 * macs['value'] / macs['fabric']:.1f} % "
    "of the MACs"
)

# The same search serves a smaller budget: choose again, fine-tune again.
smaller = bsngraph.prune_run(out / "search", ["macs=15%"], out=out / "smaller")
print(f"test accuracy {100 * smaller.test_accuracy:.1f} % with 15 % of the MACs at most")

# What was found is a fabric again, drawable and trainable, and a network of its own.
bsngraph.render(out / "search", out / "architecture.svg")
delivered = bsngraph.load_net(out / "search")
print(f"{sum(p.numel() for p in delivered.parameters())} parameters; picture in {out / 'architecture.svg'}")
