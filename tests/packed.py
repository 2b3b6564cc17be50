"""Networks ready for export that no run trained: random weights and running statistics
of any fabric, for any task.

    packed(fabric, "regression", template)      → ExportPackage, without data

`template` gives what a run says; every other part is the network's own. `TASK_FABRICS`
are tiny fabrics, one a task, each as text with the task that it is for.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from test_supernet import randomised

from bsngraph.delivered import Delivered, ModelFacts
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.raw_network import deployed_network, raw_inputs, reference_network
from bsngraph.fabric import Booleans, Fabric, architecture_of
from bsngraph.supernet import compile_fabric, prune_net

_HEAD = 'digraph net {{ graph [source="{sources}", target="{targets}"]; edge [op=conv, channels=4]; '

IMAGE = _HEAD.format(sources="image", targets="scores") + 'image [input="2x6x6"]; '

SEVERAL = (
    _HEAD.format(sources="left view,right", targets="main,aux")
    + '"left view" [input="1x4x4"]; right [input="1x4x4"]; "left view" -> a; right -> a [kernel=1]; '
    "a [merge=concat]; right -> b; a -> b; b [merge=mean]; "
    "edge [op=classifier, classes=3]; a -> aux; b -> main; }"
)

#: Name → the fabric's text and its task.
TASK_FABRICS = {
    "classes": (IMAGE + "image -> a; a -> scores [op=classifier, classes=3]; }", "classification"),
    "pixels": (IMAGE + "image -> a; a -> scores [op=conv, channels=3, kernel=1]; }", "segmentation"),
    "amounts": (
        _HEAD.format(sources="row", targets="amounts")
        + 'row [input="5"]; row -> h [op=linear, features=6]; h [activation=gelu]; '
        "h -> amounts [op=linear, features=2]; }",
        "regression",
    ),
    "decisions": (
        _HEAD.format(sources="words", targets="labels")
        + 'words [input="6x5"]; words -> t [op=token_linear, features=8]; '
        "t -> u [op=attention, heads=2]; t -> u [op=identity]; "
        "u -> labels [op=classifier, classes=4]; }",
        "multi-label",
    ),
    "several": (SEVERAL, "classification"),
}


def packed(
    fabric: Fabric,
    task: str,
    template: ExportPackage,
    *,
    kept: Booleans | None = None,
    dtype: torch.dtype = torch.uint8,
    logits: bool = False,
) -> ExportPackage:
    """A network of the fabric's edges, or of those in `kept` (edges,)."""
    whole = np.ones(len(fabric.edges), dtype=np.bool_) if kept is None else kept
    net = randomised(compile_fabric(fabric, seed=0), 0).float()
    net = prune_net(net, architecture_of(fabric, whole)).eval()
    shapes = net.profile.node_shapes
    outputs = shapes[net.fabric.target_indices[0]][0]
    example = shapes[net.fabric.source_indices[0]]
    channels = example[-1] if len(example) == 2 else example[0]
    amounts = task == "regression"
    facts = ModelFacts(
        task,
        tuple(f"class {number}" for number in range(outputs)),
        tuple(100.0 + 5 * channel for channel in range(channels)),
        tuple(30.0 + channel for channel in range(channels)),
        label_mean=tuple(float(7 * number) for number in range(outputs)) if amounts else None,
        label_std=tuple(float(2 + number) for number in range(outputs)) if amounts else None,
    )
    delivered = Delivered(net, facts)
    inputs = raw_inputs(delivered, dtype)
    return replace(
        template,
        name=net.fabric.name or "net",
        delivered=delivered,
        network=deployed_network(delivered, inputs, logits=logits),
        reference=reference_network(delivered, inputs, logits=logits),
        dataset=None,
    )
