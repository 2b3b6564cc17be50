"""Fabrics with several sources and targets, trained: two views of an example, an
auxiliary head.
"""

from __future__ import annotations

import json

import torch
from tiny import fabric_of, recipe, settings, stripes
from torch.nn import functional

from bsngraph.searching import search
from bsngraph.tasks import LabelFacts, Task

TWO = """
digraph two {
  graph [source="left,right", target="main,aux"];
  left [input="1x4x4"]; right [input="1x4x4"];
  edge [op=conv, channels=4, norm=none];
  left -> a; right -> a [kernel=1]; right -> b; a -> b; a -> b [op=identity];
  edge [op=classifier, classes=2];
  a -> aux; b -> main;
}
"""


def test_a_search_with_two_sources_and_an_auxiliary_head_connects_every_target(tmp_path) -> None:
    data = stripes()
    text = TWO.replace("1x4x4", "x".join(map(str, data.input_shape))).replace(
        "classes=2", f"classes={len(data.class_names)}"
    )
    result = search(
        fabric_of(text, tmp_path),
        data,
        ["macs=80%"],
        out=tmp_path / "run",
        recipe=recipe(),
        settings=settings(),
    )
    assert set(result.fabric.targets) == {"main", "aux"}
    assert all(
        budget["met"] for budget in json.loads((tmp_path / "run" / "result.json").read_text())["budgets"]
    )


def test_the_loss_is_the_mean_over_targets_and_the_prediction_the_first_ones() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([0, 2, 1])
    outputs = {"main": torch.randn(3, 3, generator=generator), "aux": torch.randn(3, 3, generator=generator)}
    task = Task("classification", LabelFacts(("a", "b", "c")))
    by_hand = [functional.cross_entropy(scores, labels, reduction="none") for scores in outputs.values()]
    assert torch.allclose(task.example_losses(outputs, labels), (by_hand[0] + by_hand[1]) / 2)
    assert torch.equal(task.predicted(outputs), outputs["main"].argmax(dim=1))
    assert torch.equal(task.example_losses(outputs["aux"], labels), by_hand[1])
