"""Operations of the user's own are tried out before they are accepted: what would break
a search or its network is refused with its edge, the reason and the cure, or adapted.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tiny import STRIPES, no_pictures, recipe, settings, stripes, written
from torch import Tensor, nn
from torch.nn import functional

from bsngraph.cli.main import cli
from bsngraph.errors import FabricError, InputError, Problem, RunFailedError
from bsngraph.fabric import Fabric, read_fabric
from bsngraph.measure import edge_latencies
from bsngraph.ops import OPERATIONS, operation
from bsngraph.ops.building import build
from bsngraph.ops.counting.foreign_trial import MOST_VALUES
from bsngraph.ops.counting.operation_profile import profile
from bsngraph.profile import profile_fabric
from bsngraph.searching import search
from bsngraph.supernet import compile_fabric


@pytest.fixture(autouse=True)
def _table_as_it_was() -> Iterator[None]:
    before = dict(OPERATIONS)
    yield
    OPERATIONS.clear()
    OPERATIONS.update(before)


def fabric_with(builder: Callable[..., object], folder: Path, shape: str = "3x4x4") -> Fabric:
    """The operation `own` that a builder gives, beside others that read its input."""
    operation("own")(builder)
    text = (
        f'digraph {{ graph [source=x, target=y]; x [input="{shape}"]; x -> a [op=identity, fixed=true];\n'
        "a -> b [op=identity]; a -> b [op=own]; b -> y [op=identity, fixed=true] }"
    )
    return read_fabric(written(text, folder))


def refused(builder: Callable[..., object], folder: Path, shape: str = "3x4x4") -> Problem:
    with pytest.raises(FabricError) as caught:
        profile_fabric(fabric_with(builder, folder, shape))
    (problem,) = caught.value.problems
    assert problem.where == "edge a->b#1"
    return problem


class Holding(nn.Module):
    """A module that runs a function of itself and a batch, with attributes."""

    def __init__(self, run: Callable[[Holding, Tensor], Tensor], **held: object) -> None:
        super().__init__()
        self.run = run
        for name, value in held.items():
            setattr(self, name, value)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


# --- what is refused

COPY = "work on a copy, e.g. x.clone(): other edges read the same value"
TORCH = "draw with torch, whose generator a search seeds and restores"
REPEATABLE = "draw random numbers with torch alone, and keep what must be remembered in buffers"
APART = "let no example depend on another one in evaluation mode"
FLOAT = "make it and its buffers real numbers of that type"
TYPE = "give the type of the input back, e.g. with y.to(x.dtype)"


def written_through_numpy(x: Tensor) -> Tensor:
    if x.is_meta:
        return x * 1
    x.detach().numpy()[...] = 0
    return x * 1


@pytest.mark.parametrize(
    ("function", "what", "cure"),
    [
        (lambda x: x.mul_(2), "changes its input in place", COPY),
        (lambda x: functional.relu(x, inplace=True), "changes its input in place", COPY),
        (lambda x: x.flatten(1).add_(1).view_as(x), "changes its input in place", COPY),
        (written_through_numpy, "changes its input in place", COPY),
        (lambda x: x + np.random.rand(), "draws from numpy's global generator", TORCH),
        (lambda x: x + random.random(), "draws from Python's random module", TORCH),
        (
            lambda x: x + np.random.default_rng().normal(),
            "gives another result when it runs again with the same seed",
            REPEATABLE,
        ),
        (lambda x: x - x.mean(0, keepdim=True), "mixes the examples of a batch in evaluation", APART),
        (lambda x: x.double(), "gives torch.float64 for an input of torch.float32", TYPE),
        (lambda x: x.to(torch.complex64), "gives torch.complex64 for an input of torch.float32", TYPE),
    ],
)
def test_a_function_that_would_break_a_search_is_refused(
    function: Callable[[Tensor], Tensor], what: str, cure: str, tmp_path: Path
) -> None:
    problem = refused(lambda shape: function, tmp_path)
    assert problem.what.startswith(f"own {what}")
    assert problem.cure == cure


def test_what_a_module_does_in_training_alone_is_seen(tmp_path: Path) -> None:
    def only_in_training(module: Holding, x: Tensor) -> Tensor:
        return x.mul_(2) if module.training else x * 2

    assert refused(lambda shape: Holding(only_in_training), tmp_path).what == "own changes its input in place"


@pytest.mark.parametrize("kind", [torch.float64, torch.complex64, torch.float16])
@pytest.mark.parametrize("held", [nn.Parameter, nn.Buffer])
def test_weights_of_another_type_are_refused(
    kind: torch.dtype, held: Callable[[Tensor], Tensor], tmp_path: Path
) -> None:
    def builder(shape: tuple[int, ...]) -> nn.Module:
        return Holding(
            lambda module, x: x * module.scale.real.to(x.dtype), scale=held(torch.ones(1, dtype=kind))
        )

    problem = refused(builder, tmp_path)
    assert problem.what == f"own holds scale of {kind}, and all weights of a network are torch.float32"
    assert problem.cure == FLOAT


def test_whole_numbers_in_buffers_are_no_weights(tmp_path: Path) -> None:
    def builder(shape: tuple[int, ...]) -> nn.Module:
        return Holding(lambda module, x: x[:, module.order], order=nn.Buffer(torch.arange(3).flip(0)))

    assert profile_fabric(fabric_with(builder, tmp_path)).params.tolist() == [0, 0, 0, 0]


def test_what_fails_on_real_numbers_alone_is_told(tmp_path: Path) -> None:
    def builder(shape: tuple[int, ...]) -> nn.Module:
        return Holding(lambda module, x: module.table(x.long() + 7).squeeze(-1), table=nn.Embedding(4, 1))

    assert refused(builder, tmp_path).what.startswith(
        "own cannot run on an input of 3x4x4 (IndexError: index out of range in self; "
    )


def test_what_fails_when_it_runs_again_is_told(tmp_path: Path) -> None:
    def remembers(module: Holding, x: Tensor) -> Tensor:
        module.first = getattr(module, "first", torch.zeros_like(x))
        return x + module.first

    problem = refused(lambda shape: Holding(remembers), tmp_path)
    assert problem.what == "own must give 1x3x4x4 for a batch of 1, but gives 2x3x4x4"


def test_a_gradient_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    problem = refused(lambda shape: lambda x: functional.relu_(x * 2).clamp_(max=1), tmp_path)
    assert "has been modified by an inplace operation" in problem.what


@pytest.mark.parametrize("wrong", ["raise SystemExit(3)", "import sys; sys.exit()"])
def test_an_operation_that_ends_the_program_is_told(wrong: str, tmp_path: Path) -> None:
    def ends(x: Tensor) -> Tensor:
        exec(wrong)
        return x

    assert "cannot run on an input of 3x4x4 (SystemExit" in refused(lambda shape: ends, tmp_path).what
    builder = lambda shape: exec(wrong)  # noqa: E731
    assert "cannot be built for an input of 3x4x4 (SystemExit" in refused(builder, tmp_path).what


def test_the_generators_are_left_as_they_were(tmp_path: Path) -> None:
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    expected = random.random(), np.random.rand(), torch.rand(1)
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    refused(lambda shape: lambda x: x + np.random.rand() + random.random() + torch.rand(1), tmp_path)
    profile_fabric(fabric_with(lambda shape: nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout()), tmp_path))
    assert (random.random(), np.random.rand(), torch.rand(1)) == expected


@pytest.mark.parametrize(("length", "real"), [(MOST_VALUES, True), (MOST_VALUES + 1, False)])
def test_a_large_example_is_tried_on_the_meta_device_alone(length: int, real: bool) -> None:
    seen = set()

    def watched(x: Tensor) -> Tensor:
        seen.add(x.device.type)
        return x * 2

    operation("own")(lambda shape: watched)
    assert profile("own", {}, (length,)).shape == (length,)
    assert seen == ({"meta", "cpu"} if real else {"meta"})


# --- what is adapted


@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        (lambda: nn.BatchNorm1d(3), (3,)),
        (lambda: nn.BatchNorm2d(3), (3, 1, 1)),
        (lambda: nn.BatchNorm3d(3), (3, 1, 1, 1)),
        (lambda: nn.LazyBatchNorm1d(), (3,)),
        (lambda: nn.GroupNorm(3, 3), (3,)),
    ],
)
@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature:UserWarning")
def test_norms_inside_an_operation_cope_with_one_value_a_channel(
    norm: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    operation("own")(lambda shape: nn.Sequential(norm(), nn.Identity()))
    assert profile("own", {}, shape).shape == shape
    module = build("own", {}, shape)
    module(torch.rand(4, *shape))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    result = module(torch.rand(1, *shape))
    assert torch.isfinite(result).all()
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_norms_inside_an_operation_are_otherwise_torch_s() -> None:
    operation("own")(lambda shape: nn.BatchNorm2d(3, momentum=0.3, eps=1e-3))
    ours, plain, x = (
        build("own", {}, (3, 2, 2)),
        nn.BatchNorm2d(3, momentum=0.3, eps=1e-3),
        torch.rand(5, 3, 2, 2),
    )
    assert torch.equal(ours(x), plain(x))
    assert ours.state_dict().keys() == plain.state_dict().keys()
    assert torch.equal(ours.eval()(x), plain.eval()(x))


def test_a_batch_norm_that_is_no_module_is_refused_for_one_live_row(tmp_path: Path) -> None:
    def builder(shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
        return Holding(
            lambda module, x: (
                functional.batch_norm(x, None, None, training=module.training) if module.training else x
            )
        )

    problem = refused(builder, tmp_path, "3x1x1")
    assert problem.what.startswith("own cannot train on a batch of one example (Expected more than 1 value")
    assert problem.cure.startswith("an edge may be live for one example of a batch: hold nn.BatchNorm1d, ")


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature:UserWarning")
def test_lazy_layers_have_their_weights_when_they_are_built() -> None:
    operation("own")(lambda shape: nn.Sequential(nn.Flatten(), nn.LazyLinear(5), nn.LazyBatchNorm1d()))
    found = profile("own", {}, (3, 2))
    assert (found.shape, found.macs, found.params) == ((5,), 30, 30 + 5 + 5 + 5)
    torch.manual_seed(0)
    module = build("own", {}, (3, 2))
    assert module.training
    assert [tuple(weight.shape) for weight in module.parameters()] == [(5, 6), (5,), (5,), (5,)]
    assert module[2].running_mean.tolist() == [0] * 5, "the pass that sizes it teaches nothing"
    assert int(module[2].num_batches_tracked) == 0


# --- what it prints and where it ends

LOUD = """import bsngraph
print("loaded")
@bsngraph.operation('loud')
def loud(shape):
    print("built")
    def run(x):
        print("ran")
        return x * 2
    return run
"""


def test_what_an_operation_prints_stays_out_of_the_facts_that_a_command_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_pictures(monkeypatch)
    code = written(LOUD, tmp_path, "loud.py")
    text = (
        STRIPES.replace("1x4x4", "1x8x8")
        .replace("classes=2", "classes=10")
        .replace("[key=mix, kernel=1,", "[key=mix, op=loud,")
    )
    fabric = written(text, tmp_path)
    checked = CliRunner().invoke(cli, ["check", str(fabric), "--ops", str(code), "--format", "json"])
    assert checked.exit_code == 0, checked.output
    assert json.loads(checked.stdout)["name"] == "stripes"
    assert {"loaded", "built", "ran"} <= set(checked.stderr.split())
    arguments = ["--data", "digits", "--budget", "macs=90%", "--out", str(tmp_path / "run"), "--epochs", "1"]
    quick = ["--batch-size", "256", "--finetune-epochs", "1", "--finalists", "0"]
    searched = CliRunner().invoke(
        cli, ["search", str(fabric), "--ops", str(code), *arguments, *quick, "--format", "json"]
    )
    assert searched.exit_code == 0, searched.output
    assert json.loads(searched.stdout)["task"] == "classification"


def test_an_operation_that_ends_the_program_later_is_told(tmp_path: Path) -> None:
    accepted = []

    def ends(x: Tensor) -> Tensor:
        if accepted:
            sys.exit(3)
        return x * 2

    net = compile_fabric(fabric_with(lambda shape: ends, tmp_path), seed=0)
    accepted.append(True)
    with pytest.raises(InputError, match=r"ends the program \(SystemExit: 3; .*trial\.py, line \d+\)"):
        net(torch.rand(2, 3, 4, 4))


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (lambda x: x.no_such_thing, r"own fails \(AttributeError: .*trial\.py, line \d+\)"),
        (lambda x: x[:1] * 1, "own gives 1x3x4x4 and not 2x3x4x4 for a batch of 2"),
        (lambda x: x[..., :2] * 1, "own gives 2x3x4x2 and not 2x3x4x4 for a batch of 2"),
        (lambda x: x.double(), "own gives torch.float64 for an input of torch.float32"),
        (lambda x: None, "own gives nothing and not a tensor"),
        (lambda x: x.mul_(2), "own changes its input in place, which other edges read"),
    ],
)
def test_what_an_operation_does_only_later_is_told_with_its_edge(
    tmp_path: Path, later: Callable[[Tensor], object], said: str
) -> None:
    accepted: list[bool] = []
    net = compile_fabric(
        fabric_with(lambda shape: lambda x: later(x) if accepted else x * 2, tmp_path), seed=0
    )
    accepted.append(True)
    with torch.no_grad(), pytest.raises(RunFailedError, match=f"^edge a->b#1: {said}, though not when"):
        net(torch.rand(2, 3, 4, 4))


def test_an_operation_that_fails_while_its_latency_is_measured_is_told_with_its_edge(tmp_path: Path) -> None:
    accepted: list[bool] = []
    profiled = profile_fabric(
        fabric_with(lambda shape: lambda x: x.no_such_thing if accepted else x * 2, tmp_path)
    )
    accepted.append(True)
    with pytest.raises(RunFailedError, match=r"^edge .* own fails \(AttributeError"):
        edge_latencies(profiled, threads=1, networks=0)


def test_an_operation_that_fails_in_the_midst_of_a_search_ends_it_without_a_traceback(tmp_path: Path) -> None:
    code = written(
        "import bsngraph\n"
        "def choosy(x):\n"
        "    if not x.is_meta and len(x) > 2:\n"
        "        raise KeyError('large')\n"
        "    return x * 1\n"
        "@bsngraph.operation('choosy')\n"
        "def build(shape):\n"
        "    return choosy\n",
        tmp_path,
        "choosy.py",
    )
    text = STRIPES.replace("op=identity", "op=choosy").replace("1x4x4", "1x8x8").replace("=2,", "=10,")
    fabric, out = written(text, tmp_path), tmp_path / "run"
    arguments = ["--ops", code, "--data", "digits", "--epochs", "1", "--out", out, "--format", "json"]
    done = CliRunner().invoke(cli, ["search", *map(str, [fabric, *arguments])])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "Error: edge h->g#skip: choosy fails (KeyError: 'large'; " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature:UserWarning")
def test_a_search_with_adapted_operations_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)
    operation("own")(lambda shape: nn.Sequential(nn.LazyConv2d(6, 1), nn.LazyBatchNorm2d()))
    fabric = read_fabric(written(STRIPES.replace("[key=narrow, kernel=1,", "[key=narrow, op=own,"), tmp_path))
    result = search(
        fabric,
        stripes(),
        ["price=5"],
        out=tmp_path / "run",
        recipe=recipe(),
        settings=settings(),
        threads=1,
        device="cpu",
    )
    assert result.summary["budgets"][0]["met"]
