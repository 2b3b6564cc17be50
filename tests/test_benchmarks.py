"""The references that benchmarks measure against compute the same thing, and tables are
made from what was kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import hand_written
import tables
from dense_reference import DenseMasked

from bsngraph.fabric import live_edges
from bsngraph.fabric.families import cnf_fabric, plain_resnet_fabric, resnet_fabric
from bsngraph.supernet import compile_fabric, deploy


def test_dense_and_masked_execution_equals_sampled_execution_in_evaluation():
    fabric = cnf_fabric(input_shape=(1, 4, 4), classes=3, layers=3, channels=4)
    net = compile_fabric(fabric, seed=0).eval()
    kept = np.random.default_rng(0).random((32, len(fabric.edges))) < 0.8
    inputs = torch.randn(32, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    dense = DenseMasked(net)
    live = dense.live(torch.from_numpy(kept))
    assert np.array_equal(live.numpy(), live_edges(net.sweep, kept))
    sampled, reached = net(inputs, kept), live.any(dim=1)
    assert reached.any()
    assert not reached.all()
    assert torch.allclose(dense(inputs, live)[reached], sampled[reached], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("fabric", "hand"),
    [
        (plain_resnet_fabric(input_shape=(3, 32, 32), classes=10, depth=20), hand_written.ResNet20),
        (resnet_fabric(input_shape=(3, 32, 32), classes=10), hand_written.AllOn),
    ],
    ids=["ResNet-20", "ResNet Fabric"],
)
def test_networks_written_by_hand_equal_ours_with_the_same_weights(fabric, hand):
    theirs = hand()
    ours = hand_written.pair(fabric, theirs).train()
    inputs = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(ours(inputs), theirs.train()(inputs), rtol=1e-4, atol=1e-4)
        assert torch.allclose(deploy(ours)(inputs), theirs.eval()(inputs), rtol=1e-4, atol=1e-4)


def test_tables_are_made_of_the_last_full_record_and_nothing_else_is_touched(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    monkeypatch.setattr(tables, "PAGE", tmp_path / "RESULTS.md")
    common = {"when": "2026-11-22T10:00:00+00:00", "torch": "2.13.0", "threads": 2, "gpu": None, "load": 0.1}
    records = [
        {**common, "quick": quick, "rows": [{"p": 0.5, "ms": ms, "net": "a"}]}
        for quick, ms in [(False, 1.0), (False, 1234.5), (True, 3.0)]
    ]
    (tmp_path / "one.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    tables.PAGE.write_text(
        "before\n<!-- one -->\nold\n<!-- /one -->\nbetween\n<!-- two -->\nkept\n<!-- /two -->\nafter\n"
    )
    tables.main()
    made = (
        "| p | ms | net |\n|---:|---:|---|\n| 0.5 | 1,234 | a |\n\n2026-11-22, 2 threads, torch "
        "2.13.0; load of the machine at the end 0.1."
    )
    expected = (
        f"before\n<!-- one -->\n{made}\n<!-- /one -->\nbetween\n<!-- two -->\nkept\n<!-- /two -->\nafter\n"
    )
    assert tables.PAGE.read_text() == expected
    tables.main()
    assert tables.PAGE.read_text() == expected
