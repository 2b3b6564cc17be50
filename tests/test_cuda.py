"""On a GPU: the same network, the same search. Passed over where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import bsngraph

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_sampled_execution_on_cuda_equals_the_cpu() -> None:
    fabric = bsngraph.read_fabric("fabrics/digits.dot")
    net = bsngraph.compile_fabric(fabric, seed=0).eval()
    inputs = torch.randn(33, 1, 8, 8)
    kept = np.random.default_rng(0).random((33, len(fabric.edges))) < 0.7
    with torch.no_grad():
        here = net(inputs, kept)
        there = net.cuda()(inputs.cuda(), kept).cpu()
    assert torch.allclose(here, there, rtol=1e-3, atol=1e-3 * float(here.abs().max()))


def test_a_search_on_cuda_is_inside_its_budget_and_evaluates_alike_on_the_cpu(tmp_path) -> None:
    fabric = bsngraph.read_fabric("fabrics/digits.dot", {"channels": 4})
    recipe = bsngraph.Recipe(epochs=4)
    settings = bsngraph.SearchSettings(finetune_epochs=2, candidates=8)
    result = bsngraph.search(
        fabric, "digits", ["macs=25%"], out=tmp_path, recipe=recipe, settings=settings, device="cuda"
    )
    assert all(budget["met"] for budget in result.summary["budgets"])
    again = bsngraph.evaluate_run(tmp_path, device="cpu")
    assert again.score.accuracy == pytest.approx(result.test_accuracy, abs=0.01)


def test_a_search_on_cuda_resumes(tmp_path) -> None:
    fabric = bsngraph.read_fabric("fabrics/digits.dot", {"channels": 4})
    settings = bsngraph.SearchSettings(finetune_epochs=1, candidates=4)

    class Stop:
        def stage(self, name: str, epochs: int, done: int) -> None:
            pass

        def epoch(self, row: dict) -> None:
            if row["epoch"] == 2:
                raise KeyboardInterrupt

        def note(self, text: str) -> None:
            pass

    job = {"recipe": bsngraph.Recipe(epochs=3), "settings": settings, "device": "cuda", "out": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        bsngraph.search(fabric, "digits", ["macs=25%"], progress=Stop(), **job)
    result = bsngraph.search(fabric, "digits", ["macs=25%"], mode="resume", **job)
    assert [row["epoch"] for row in result.run.read_metrics()] == [1, 2, 3, 1]
