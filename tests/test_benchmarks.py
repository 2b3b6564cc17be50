"""The references that benchmarks measure against compute the same thing, rows are kept
as they are, and tables are made from them.
"""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from benchmarks.__main__ import cli
from benchmarks.catalogue import BENCHMARKS, every_table
from benchmarks.shared import page, rows, tables
from benchmarks.shared.keeping import keep
from benchmarks.speed import execution, floors, hand_written, memory, sampling
from benchmarks.speed.dense_reference import DenseMasked
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


# --- kept rows


def test_rows_are_read_as_they_were_appended_and_say_when_and_where(tmp_path):
    path = tmp_path / "kept" / "one.jsonl"
    assert rows.read_rows(path) == []
    first = [{"p": 0.1 + 0.2, "net": 'λ, "a"', "n": None}, {"p": 1e-300, "net": "b", "n": 2**60}]
    rows.append_rows(path, first)
    rows.append_rows(path, [{"p": 1.0, "net": "c", "n": 0}])
    found = rows.read_rows(path)
    assert [{column: row[column] for column in ("p", "net", "n")} for row in found[:2]] == first
    assert {"when", "processor", "torch", "threads", "gpu", "load"} == set(found[0]["measured"])
    assert len(path.read_text(encoding="utf-8").splitlines()) == 3


def test_a_row_with_a_key_is_kept_once(tmp_path):
    path, key = tmp_path / "one.jsonl", ("net", "seed")
    rows.append_rows(path, [{"net": "a", "seed": 0, "ms": 1}], key)
    rows.append_rows(path, [{"net": "a", "seed": 0, "ms": 2}, {"net": "a", "seed": 1, "ms": 3}], key)
    assert [row["ms"] for row in rows.by_key(rows.read_rows(path), key).values()] == [1, 3]


def test_a_quick_run_keeps_no_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(rows, "RESULTS", tmp_path)
    keep("one", [{"p": 0.5}], quick=True)
    assert not list(tmp_path.iterdir())
    keep("one", [{"p": 0.5}], quick=False)
    assert [row["p"] for row in rows.read_rows(tmp_path / "one.jsonl")] == [0.5]
    assert capsys.readouterr().out.count("| 0.5 |") == 2


# --- tables


def test_a_table_is_made_of_the_last_run_and_nothing_else_on_the_page_is_touched(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "RESULTS", tmp_path)
    monkeypatch.setattr(page, "PAGE", tmp_path / "RESULTS.md")
    common = {"torch": "2.13.0", "threads": 2, "gpu": None, "load": 0.1}
    kept = [
        {"p": p, "ms": ms, "net": "a", "measured": {**common, "when": f"2026-11-{day}T10:00:00+00:00"}}
        for day, p, ms in [(21, 0.5, 1.0), (22, 0.5, 1234.5), (22, 0.25, 2.0)]
    ]
    (tmp_path / "one.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept))
    page.PAGE.write_text(
        "before\n<!-- one -->\nold\n<!-- /one -->\nbetween\n<!-- two -->\nkept\n<!-- /two -->\nafter\n"
    )
    made = (
        "| p | ms | net |\n|---:|---:|---|\n| 0.5 | 1,234 | a |\n| 0.25 | 2 | a |\n\n2026-11-22, 2 threads, "
        "torch 2.13.0; load of the machine at the end 0.1."
    )
    assert page.renew({"one": tables.last_table(), "two": tables.last_table()}) == {"one": made}
    assert page.PAGE.read_text() == (
        f"before\n<!-- one -->\n{made}\n<!-- /one -->\nbetween\n<!-- two -->\nkept\n<!-- /two -->\nafter\n"
    )


def test_templates_say_how_a_column_is_shown_and_a_missing_value_is_empty():
    found = tables.table([{"a": 0.5, "b": 12.345}, {"a": 2, "b": 1.0, "c": 1000}], {"b": "{:.1f} %"})
    assert found == "| a | b | c |\n|---:|---:|---:|\n| 0.5 | 12.3 % |  |\n| 2 | 1.0 % | 1,000 |"


def test_every_table_of_the_page_is_that_of_its_kept_rows():
    shown = page.tables_of(page.PAGE.read_text(encoding="utf-8"))
    made = page.made_tables(every_table())
    assert set(shown) == set(made)
    for name, text in made.items():
        assert shown[name] == text, name


def test_every_file_of_rows_is_looked_at_by_a_table():
    files = {path.stem for path in rows.RESULTS.glob("*.jsonl")}
    assert files == {*every_table(), "truth"}  # `searches` looks things up in the rows of `truth`


# --- the command line


def test_help_lists_every_benchmark_and_each_has_an_example():
    text = CliRunner().invoke(cli, ["--help"]).output
    for name, benchmark in BENCHMARKS.items():
        assert re.search(rf"^  {name} +{re.escape(benchmark.about)}$", text, re.MULTILINE), name
        shown = CliRunner().invoke(cli, [name, "--help"])
        assert shown.exit_code == 0, name
        assert f"python -m benchmarks {name}" in shown.output


@pytest.mark.parametrize("text", ["2/2", "0", "-1/2", "a/b"])
def test_a_share_of_the_work_that_is_not_there_is_refused(text):
    result = CliRunner().invoke(cli, ["truth", "--part", text])
    assert result.exit_code == 2
    assert f"'{text}' is not a share such as 0/2" in result.output


@pytest.mark.parametrize("name", ["execution", "memory", "floors", "sampling", "pricing"])
def test_a_quick_benchmark_runs_and_leaves_results_alone(name, monkeypatch):
    small = cnf_fabric(input_shape=(1, 4, 4), classes=3, layers=2, channels=4)
    for module in (execution, memory, floors, sampling):
        monkeypatch.setattr(module, "fabrics", lambda: {"a small one": small})
    monkeypatch.setattr(sampling, "EDGES", (20, 40))
    before = {path: path.read_bytes() for path in rows.RESULTS.iterdir()}
    repeats = [] if name == "memory" else ["--repeats", "1"]
    result = CliRunner().invoke(cli, [name, "--quick", *repeats])
    assert result.exit_code == 0, result.output
    assert (
        "| makespan:4, transfers | 0.8 |" if name == "pricing" else "| a small one | 0.95 |"
    ) in result.output
    assert {path: path.read_bytes() for path in rows.RESULTS.iterdir()} == before
