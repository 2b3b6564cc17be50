"""One entry in one place: an operation, a merge, an activation and a cost that this
file adds through the tables that ARCHITECTURE.md names, each used from the graph file
to the delivered network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from test_memory import measured
from test_supernet import randomised
from tiny import STRIPES, fabric_of, no_pictures, recipe, settings, stripes, written
from torch import Tensor, nn
from torch.nn import functional

from bsngraph.certificate import Means, verify_certificate
from bsngraph.certificate.counters import CountedAmount
from bsngraph.cli.main import cli
from bsngraph.costs import COSTS, AdditiveCost, price
from bsngraph.costs.memory.peak_memory import PeakMemory
from bsngraph.costs.table import CostKind
from bsngraph.delivered import evaluate_run, load_net
from bsngraph.errors import FabricError, InputError
from bsngraph.fabric import Fabric, architecture_of, connected, live_edges, read_fabric
from bsngraph.ops import OPERATIONS, operation
from bsngraph.ops.activations import ACTIVATIONS
from bsngraph.ops.merges import MERGES, Merge, MergePart, Place
from bsngraph.ops.table import registering_from
from bsngraph.profile import profile_fabric
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.certificate import CountedCost
from bsngraph.searching import prune_run, search
from bsngraph.supernet import SuperNet, compile_fabric, deploy, prune_net
from bsngraph.supernet.merges import fold
from bsngraph.supernet.rows import spread_rows


def merge_min(parts: Sequence[MergePart], place: Place) -> Tensor:
    """Elementwise minimum of the inputs present."""
    return fold(parts, place, torch.minimum, torch.inf)


def merge_norm(parts: Sequence[MergePart], place: Place) -> Tensor:
    """Root of the mean square of the inputs present; not the identity on one input."""
    values = [spread_rows(part.value, part.rows, place.count) for part in parts]
    total = sum(value * value for value in values) + 1e-3
    if place.present is None:
        return (total / len(parts)).sqrt()
    return (total / place.present.to(total.dtype).view(-1, *[1] * (total.dim() - 1))).sqrt()


NEW_MERGES = {
    "min": Merge("elementwise minimum", f"{__name__}:merge_min"),
    "rms": Merge("root of the mean square", f"{__name__}:merge_norm", counts=True),
}


@pytest.fixture(params=list(NEW_MERGES))
def merge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(MERGES, request.param, NEW_MERGES[request.param])
    return request.param


@pytest.fixture
def _stretch() -> Iterator[None]:
    """An operation of our own, as a builder module under `ops/builders/` adds it."""
    before = dict(OPERATIONS)
    with registering_from(""):

        @operation("stretch")
        def stretch(shape, *, channels: int, factor: float = 2.0):
            """A linear map of the channels, then a constant factor.

            When: for tests.
            Sizes: c×h×w → channels×h×w
            """

            class Stretch(nn.Module):
                def __init__(self) -> None:
                    super().__init__()
                    self.map = nn.Conv2d(shape[0], channels, 1)

                def forward(self, x: Tensor) -> Tensor:
                    return factor * self.map(x)

            return Stretch()

    yield
    OPERATIONS.clear()
    OPERATIONS.update(before)


def searched(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch, budget: str = "price=5") -> Path:
    """The folder of a finished tiny search."""
    no_pictures(monkeypatch)
    fabric = fabric_of(text, folder)
    search(
        fabric,
        stripes(),
        [budget],
        out=folder / "run",
        recipe=recipe(),
        settings=settings(),
        threads=1,
        device="cpu",
    )
    return folder / "run"


def assert_pruned_equals_sampled(fabric: Fabric) -> None:
    """The super-network under a sample against the pruned and the deployed network of
    that sample, in float64.
    """
    net = randomised(compile_fabric(fabric, seed=0), 0).double().eval()
    random = np.random.default_rng(0)
    kept = (random.random((16, len(fabric.edges))) < 0.7) | fabric.fixed
    kept = kept[connected(fabric, live_edges(fabric.sweep, kept)).all(axis=1)]
    assert len(np.unique(kept, axis=0)) > 3
    x = torch.randn(len(kept), *fabric.nodes[0].input, dtype=torch.float64)
    with torch.no_grad():
        mixed = net(x, kept)
        for row, choice in enumerate(kept):
            pruned = prune_net(net, architecture_of(fabric, choice))
            alone = x[row : row + 1]
            for other in (pruned(alone), deploy(pruned)(alone)):
                torch.testing.assert_close(mixed[row : row + 1], other, rtol=1e-9, atol=1e-9)


def assert_evaluated(folder: Path) -> None:
    """The delivered network measured from its files scores what the search says."""
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    score = evaluate_run(folder, data=stripes()).score
    assert score.metrics["accuracy"] == result["metrics"]["test"]["accuracy"]
    assert verify_certificate(folder).ok


@pytest.mark.usefixtures("_stretch")
def test_a_new_operation_is_read_checked_trained_drawn_pruned_and_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = STRIPES.replace("[key=narrow, kernel=1,", "[key=narrow, op=stretch, factor=3,").replace(
        "norm=none", "norm=none, factor=2"
    )
    path = written(text, tmp_path)
    checked = CliRunner().invoke(cli, ["check", str(path), "--budget", "macs=80%"])
    assert checked.exit_code == 0, checked.output
    listed = CliRunner().invoke(cli, ["ops"])
    assert "A linear map of the channels, then a constant factor." in " ".join(listed.output.split())
    profile = profile_fabric(read_fabric(path))
    edge = profile.fabric.edge_index["image->h#narrow"]
    assert (profile.macs[edge], profile.params[edge]) == (6 * 16, 2 * 6)
    drawn = CliRunner().invoke(cli, ["render", str(path), "-o", str(tmp_path / "drawn.svg")])
    assert drawn.exit_code == 0, drawn.output
    assert "stretch" in (tmp_path / "drawn.svg").read_text(encoding="utf-8")
    folder = searched(text, tmp_path, monkeypatch)
    assert_pruned_equals_sampled(profile.fabric)
    assert load_net(folder).fabric.edges
    assert_evaluated(folder)


def test_a_new_merge_is_searched_pruned_and_evaluated(
    merge: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = STRIPES.replace("[activation=relu]", f"[activation=relu, merge={merge}]")
    folder = searched(text, tmp_path, monkeypatch)
    fabric = read_fabric(folder / "fabric.dot")
    assert {node.merge for node in fabric.nodes if node.activation == "relu"} == {merge}
    assert_pruned_equals_sampled(fabric)
    assert_evaluated(folder)
    prune_run(folder, ["price=6"], out=tmp_path / "pruned", data=stripes())
    assert any(node.merge == merge for node in load_net(tmp_path / "pruned").fabric.nodes)
    drawn = CliRunner().invoke(cli, ["render", str(folder / "fabric.dot"), "-o", str(tmp_path / "drawn.svg")])
    assert drawn.exit_code == 0, drawn.output
    assert merge in (tmp_path / "drawn.svg").read_text(encoding="utf-8")


def test_memory_of_a_new_merge_is_what_is_alive_while_it_runs(merge: str, tmp_path: Path) -> None:
    text = STRIPES.replace("[activation=relu]", f"[merge={merge}]")
    profile = profile_fabric(fabric_of(text, tmp_path))
    kept = np.random.default_rng(1).random((40, len(profile.fabric.edges))) < 0.7
    live = live_edges(profile.fabric.sweep, kept | profile.fabric.fixed)
    live = np.unique(live[connected(profile.fabric, live).all(axis=1)], axis=0)
    assert len(live) > 4
    assert PeakMemory(profile).of(live).tolist() == [measured(profile, row) for row in live]


def test_inputs_of_a_new_merge_must_fit_as_those_of_a_sum_do(merge: str, tmp_path: Path) -> None:
    text = STRIPES.replace("[activation=relu]", f"[merge={merge}]").replace(
        "kernel=1, cost", "channels=3, cost"
    )
    with pytest.raises(FabricError, match=f"shapes do not fit at merge={merge}: .*merge=concat"):
        profile_fabric(fabric_of(text, tmp_path))


def test_a_new_activation_is_searched_and_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIVATIONS, "softplus", "torch.nn.functional:softplus")
    text = STRIPES.replace("activation=relu", "activation=softplus")
    folder = searched(text, tmp_path, monkeypatch)
    fabric = read_fabric(folder / "fabric.dot")
    assert_pruned_equals_sampled(fabric)
    net = compile_fabric(fabric, seed=0).double()
    x = torch.randn(2, 1, 4, 4, dtype=torch.float64)
    h = functional.softplus(sum(net.operations[edge](x) for edge in fabric.incoming[1]))
    g = functional.softplus(sum(net.operations[edge](h) for edge in fabric.incoming[2]))
    torch.testing.assert_close(net(x), net.operations[-1](g))
    assert_evaluated(folder)


def count_edges(net: SuperNet, argument: str, means: Means) -> CountedAmount:
    """How the certificate counts the cost `edges`."""
    return CountedAmount(len(net.operations), "the network's operations")


@pytest.mark.parametrize(
    ("recount", "by"),
    [
        (f"{__name__}:count_edges", "the network's operations"),
        ("", "its own formula on the delivered network"),
    ],
)
def test_a_new_cost_is_checked_searched_and_certified(
    recount: str, by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = CostKind(
        "edges",
        "how many edges run",
        lambda profile, name, _: AdditiveCost(name, "edges", np.ones(len(profile.fabric.edges))),
        recount=recount,
    )
    monkeypatch.setitem(COSTS, "count", row)
    path = written(STRIPES, tmp_path)
    for limit, code in (("3", 0), ("2", 1)):
        checked = CliRunner().invoke(
            cli, ["check", str(path), "--budget", f"count={limit}", "--format", "json"]
        )
        assert checked.exit_code == code, checked.output
        facts = json.loads(checked.stdout)
        assert facts["costs"]["count"] == {"unit": "edges", "fabric": 6, "cheapest": 3, "proved": True}
    listed = CliRunner().invoke(cli, ["costs", "--format", "json"])
    assert "how many edges run" in listed.stdout
    folder = searched(STRIPES, tmp_path, monkeypatch, budget="count=3")
    certificate = RunFolder(folder).read_certificate()
    assert certificate.costs["count"] == CountedCost(value=3, unit="edges", by=by)
    assert certificate.budgets[0].met
    assert_evaluated(folder)


def test_an_annotation_must_not_bear_the_name_of_a_cost_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(COSTS, "price", COSTS["macs"])
    profile = profile_fabric(fabric_of(STRIPES, tmp_path))
    with pytest.raises(InputError, match=r"^cost 'price' is computed, and the fabric annotates cost_price: "):
        price(profile, "price")
