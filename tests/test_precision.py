"""bfloat16 in training steps: nearly the same outputs and gradients, everything that is
kept stays float32.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_fabrics import random_samples, small_fabrics
from safetensors.torch import load_file
from test_supernet import gradients, inputs_of
from tiny import STRIPES_NORM, fabric_of, no_pictures, recipe, stripes
from tiny import settings as search_settings

from bsngraph.errors import InputError
from bsngraph.searching import search
from bsngraph.supernet import compile_fabric
from bsngraph.supernet.rows import add_rows
from bsngraph.training import training_outputs


@settings(max_examples=50)
@given(small_fabrics(norm="none"), st.data(), st.integers(0, 2**20))
def test_outputs_and_gradients_are_those_of_float32_to_the_precision_of_bfloat16(fabric, data, seed) -> None:
    net = compile_fabric(fabric, seed=seed).train()
    kept = data.draw(random_samples(fabric, batch=6, keep_fixed=False))
    inputs = {
        name: value.requires_grad_()
        for name, value in inputs_of(fabric, batch=6, seed=seed, dtype=torch.float32).items()
    }
    route = net.route(kept)

    def outputs(precision: str) -> dict[str, torch.Tensor]:
        found = training_outputs(net, next(iter(inputs.values())), route, recipe(precision=precision))
        return found if isinstance(found, dict) else {"y": found}

    exact, rough = outputs("float32"), outputs("bfloat16")
    for name, value in exact.items():
        assert rough[name].dtype == torch.float32
        assert float((rough[name] - value).detach().norm()) <= 0.1 * float(value.detach().norm()) + 1e-3
    mine, theirs = gradients(net, inputs, rough), gradients(net, inputs, exact)
    assert {gradient.dtype for gradient in mine} == {torch.float32}
    away = sum(float((one - other).square().sum()) for one, other in zip(mine, theirs, strict=True))
    # Far more than eight bits' error, as a value near a kink may fall to its other
    # side, and far less than wrong rows give.
    assert away <= 0.3 * sum(float(other.square().sum()) for other in theirs) + 0.1


def test_rows_of_both_types_are_added_in_the_wider_one() -> None:
    """Eight mantissa bits cannot hold 256 + 1; a sum that begins in bfloat16 would lose
    what is added.
    """
    rough = torch.full((3, 2), 256.0, dtype=torch.bfloat16).requires_grad_()
    exact = torch.ones(2, 2).requires_grad_()
    rows = torch.tensor([0, 2])
    total = add_rows([(rough, None), (exact, rows)], 3)
    assert total.dtype == torch.float32
    assert total.tolist() == [[257, 257], [256, 256], [257, 257]]
    total.sum().backward()
    assert rough.grad is not None
    assert exact.grad is not None
    assert (rough.grad.dtype, exact.grad.dtype) == (torch.bfloat16, torch.float32)
    assert rough.grad.tolist() == [[1, 1]] * 3


def test_a_search_in_bfloat16_keeps_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)
    fabric = fabric_of(STRIPES_NORM, tmp_path)
    given_settings = search_settings(finalists=2, finalist_epochs=1, finetune_epochs=1)
    losses = {}
    for precision in ("float32", "bfloat16"):
        how = {
            "recipe": recipe(precision=precision),
            "settings": given_settings,
            "threads": 1,
            "device": "cpu",
        }
        result = search(fabric, stripes(), ["price=5"], out=tmp_path / precision, **how)
        assert (
            json.loads((tmp_path / precision / "config.json").read_text(encoding="utf-8"))["recipe"][
                "precision"
            ]
            == precision
        )
        weights = load_file(tmp_path / precision / "model.safetensors")
        assert {value.dtype for value in weights.values()} <= {torch.float32, torch.int64}
        losses[precision] = [
            row["train_loss"] for row in result.run.read_metrics() if row["stage"] == "search"
        ]
    assert losses["float32"] != losses["bfloat16"]
    assert np.allclose(losses["float32"], losses["bfloat16"], rtol=0.1)


def test_other_precisions_are_refused() -> None:
    with pytest.raises(InputError, match="precision=float16 must be one of float32, bfloat16"):
        recipe(precision="float16")
