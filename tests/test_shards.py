"""A search whose batches are shards: the same bits on any number of processes, also
when some are killed, and errors that end all.

Processes run `take_part` of this file: three searches, of which the last one is under a
process group of the user's own.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tiny import STRIPES_DROPOUT, fabric_of, job_of, no_pictures, recipe, settings, stripes
from torch import nn

import bsngraph
from bsngraph import __main__ as command
from bsngraph.cli.main import cli
from bsngraph.data import Augmentation, Dataset, Split
from bsngraph.errors import InputError
from bsngraph.parallel import launch
from bsngraph.parallel.launch import Launch, launch_here
from bsngraph.searching.learning import joint_step, search_epochs, sharing
from bsngraph.searching.learning.epoch_totals import EpochTotals
from bsngraph.searching.learning.learn import new_learning
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.request import Method
from bsngraph.settings import SearchSettings
from bsngraph.tasks.metrics import Accuracy, Errors, LabelRanking, Meter, PixelOverlap
from bsngraph.training import Silent, evaluate_net
from bsngraph.training.shards.running_statistics import RunningStatistics

TESTS = Path(__file__).parent
SHARDS = 4

CHOICES = """\
digraph choices {
  graph [source=image, target=scores];
  edge  [op=conv, channels=4, norm=none];
  image [input="1x4x4"]; h [activation=relu]; g [activation=relu];
  image -> h [kernel=3, choice=first]; image -> h [kernel=1, choice=first];
  h -> g [kernel=1]; h -> g [op=identity];
  g -> scores [op=classifier, classes=2, fixed=true];
}
"""

PIXELS = """\
digraph pixels {
  graph [source=image, target=scores];
  edge  [op=conv, channels=3];
  image [input="1x4x4"]; h [activation=relu];
  image -> h [kernel=3]; image -> h [kernel=1, norm=none];
  h -> scores [channels=2, kernel=1, norm=none, fixed=true];
}
"""


def pixels() -> Dataset:
    """Every pixel is of the class that its sign says."""
    split, *others = (
        Split(each.inputs, (each.inputs[:, 0] > 0).to(torch.uint8))
        for each in (stripes().train, stripes().validation, stripes().test)
    )
    validation, test = others
    return Dataset(
        name="pixels",
        task="segmentation",
        class_names=("dark", "light"),
        mean=(0.0,),
        std=(1.0,),
        train=split,
        validation=validation,
        test=test,
        augmentation=Augmentation(flip=True),
    )


class Case(NamedTuple):
    """A search of a tiny fabric."""

    text: str
    data: Dataset
    budget: str
    settings: SearchSettings


CASES = {
    "norm": Case(STRIPES_DROPOUT, stripes(), "price=4", settings(finalists=2, finalist_epochs=1)),
    "choices": Case(CHOICES, stripes(), "macs=40%..80%", settings(adapt_penalty=True, finetune_epochs=1)),
    "pixels": Case(PIXELS, pixels(), "macs=60%", settings(finetune_epochs=1)),
}


def search_case(name: str, folder: Path, device: str = "cpu") -> bsngraph.Result:
    """The search of a case in `folder`, on a thread."""
    case, mine = CASES[name], folder / f"fabric-{os.environ.get('RANK', 0)}"
    mine.mkdir(parents=True, exist_ok=True)
    return bsngraph.search(
        fabric_of(case.text, mine),
        case.data,
        case.budget,
        out=folder / name,
        recipe=recipe(),
        settings=replace(case.settings, shards=SHARDS),
        device=device,
        threads=1,
    )


def take_part(folder: Path) -> None:
    """What each of several processes does."""
    no_pictures(pytest.MonkeyPatch())
    for name in ("norm", "choices"):
        search_case(name, folder)
        assert not torch.distributed.is_initialized()
    file = folder.resolve() / "group"
    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{file}",
        rank=int(os.environ["RANK"]),
        world_size=int(os.environ["WORLD_SIZE"]),
    )
    result = search_case("pixels", folder)
    told = torch.tensor([result.summary["metrics"]["test"]["mean_iou"]], dtype=torch.float64)
    every = [torch.empty_like(told) for _ in range(int(os.environ["WORLD_SIZE"]))]
    torch.distributed.all_gather(every, told)  # the user's own group is still there
    assert all(torch.equal(told, each) for each in every)
    torch.distributed.destroy_process_group()


def take_part_and_die(folder: Path) -> None:
    """The same for one search; on its first two attempts a process kills itself."""
    no_pictures(pytest.MonkeyPatch())
    here = launch_here()
    luck = random.Random(here.attempt)
    victim, left = luck.randrange(here.size), luck.randrange(1, 9 if here.attempt == 0 else 5)
    step = search_epochs.joint_step

    def dying(*what: Any) -> Any:
        nonlocal left
        left -= 1
        if not left and here.rank == victim and here.attempt < 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*what)

    pytest.MonkeyPatch().setattr(search_epochs, "joint_step", dying)
    search_case("norm", folder)


def environment(**more: str) -> dict[str, str]:
    paths = os.pathsep.join((str(TESTS), str(TESTS.parent)))
    return os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"} | more


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start(size: int, words: list[str], folder: Path) -> list[subprocess.Popen[str]]:
    """So many processes that torchrun's environment tells of each other."""
    meeting = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    return [
        subprocess.Popen(
            [sys.executable, *words],
            cwd=folder,
            env=environment(RANK=str(rank), LOCAL_RANK=str(rank), **meeting),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(size)
    ]


def ends(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of each."""
    said = [process.communicate(timeout=100) for process in processes]
    return [(process.returncode, *texts) for process, texts in zip(processes, said, strict=True)]


def untimed(value: Any) -> Any:
    """Without what a clock says, or the hash of a file with a clock's word."""
    if isinstance(value, dict):
        clocks = ("seconds", "date", "seal", "files")
        return {name: untimed(inner) for name, inner in value.items() if name not in clocks}
    if isinstance(value, list | tuple):
        return [untimed(inner) for inner in value]
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.contiguous().numpy().tobytes()
    return value


def content(path: Path) -> Any:
    if path.suffix == ".json":
        return untimed(json.loads(path.read_text(encoding="utf-8")))
    if path.suffix == ".jsonl":
        return [untimed(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    return untimed(torch.load(path, weights_only=True)) if path.suffix == ".pt" else path.read_bytes()


def hashes(run: Path) -> dict[str, str]:
    """Of every file of a run."""
    return {
        str(path.relative_to(run)): hashlib.sha256(repr(content(path)).encode()).hexdigest()
        for path in sorted(run.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all cases, searched in this process."""
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        for name in CASES:
            search_case(name, folder)
    return folder


# --- the same bits


@pytest.mark.parametrize("size", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_every_file_is_the_same_on_any_number_of_processes(alone: Path, tmp_path: Path, size: int) -> None:
    script = f"import test_shards, pathlib; test_shards.take_part(pathlib.Path({str(tmp_path)!r}))"
    for code, _, said in ends(start(size, ["-c", script], tmp_path)):
        assert code == 0, said
    for name in CASES:
        assert hashes(tmp_path / name) == hashes(alone / name), name
        assert len(hashes(tmp_path / name)) > 10


def test_a_process_that_is_killed_again_and_again_changes_nothing(alone: Path, tmp_path: Path) -> None:
    script = tmp_path / "dying.py"
    call = f"test_shards.take_part_and_die(pathlib.Path({str(tmp_path)!r}))"
    script.write_text(f"import test_shards, pathlib\n{call}\n", encoding="utf-8")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", "2"]
    done = subprocess.run(
        [*torchrun, "--master-port", str(free_port()), str(script)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("exitcode: -9") == 2, done.stderr
    assert hashes(tmp_path / "norm") == hashes(alone / "norm")


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus_share_a_search(tmp_path: Path) -> None:
    call = f"test_shards.search_case('norm', pathlib.Path({str(tmp_path)!r}), 'cuda')"
    script = f"import test_shards, pathlib; {call}"
    for code, _, said in ends(start(2, ["-c", script], tmp_path)):
        assert code == 0, said
    assert json.loads((tmp_path / "norm/result.json").read_text(encoding="utf-8"))["budgets"][0]["met"]


def test_one_shard_is_the_search_without_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no step of several shards, and draws from the streams of the epoch."""
    monkeypatch.setattr(search_epochs, "joint_step", None)
    purposes: list[tuple[object, ...]] = []
    generator = search_epochs.generator_for
    monkeypatch.setattr(
        search_epochs, "generator_for", lambda *words: purposes.append(words[1:]) or generator(*words)
    )
    job = job_of(fabric_of(STRIPES_DROPOUT, tmp_path), tmp_path, "price=4")
    new_learning(job, None).run(Silent(), lambda row: None)
    assert set(purposes[:3]) == {("batches", 0), ("samples", 0), ("limits", 0)}
    assert SearchSettings().shards == 1


# --- a step


def learning_of(folder: Path, shards: int) -> Learning:
    what = settings(shards=shards)
    return new_learning(job_of(fabric_of(STRIPES_DROPOUT, folder), folder, "price=4", settings=what), None)


def one_step(learning: Learning, inputs: torch.Tensor, labels: torch.Tensor) -> tuple[Any, list[Any]]:
    """A step on a batch, and its shards afterwards."""
    count = learning.settings.shards
    shards = [learning._shard(shard, torch.Generator()) for shard in range(count)]
    return learning._step(0, zip(inputs.chunk(count), labels.chunk(count), strict=True), shards), shards


@pytest.mark.parametrize("gather", [True, False])
def test_the_gradient_of_a_step_is_the_mean_of_its_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gather: bool
) -> None:
    """θ, Γ and the running statistics, against the shards run by hand one after another
    on the same rows, each from the same statistics.
    """
    monkeypatch.setattr(joint_step, "MOST_GATHERED", 2**28 if gather else 0)
    learning = learning_of(tmp_path, SHARDS)
    learning.epoch = 2  # Γ learns
    inputs, labels = stripes().train.inputs[:16], stripes().train.labels[:16]
    found: list[Any] = []
    step = search_epochs.learn_step

    def kept(*what: Any) -> Any:
        found.append(step(*what))
        statistics.append([buffer.clone() for buffer in learning.net.buffers()])
        return found[-1]

    statistics: list[list[torch.Tensor]] = []
    before = [buffer.clone() for buffer in learning.net.buffers()]
    monkeypatch.setattr(search_epochs, "learn_step", kept)
    learning.net.train()
    joint = one_step(learning, inputs, labels)[0]
    assert len(found) == SHARDS
    for place, gradient in enumerate(joint.weight_gradients or ()):
        parts = [one.weight_gradients[place] for one in found if one.weight_gradients[place] is not None]
        assert (gradient is None) == (not parts)
        if gradient is not None:
            torch.testing.assert_close(gradient, sum(parts) / SHARDS)
    torch.testing.assert_close(joint.gamma_gradient, sum(one.gamma_gradient for one in found) / SHARDS)
    assert joint.costs.tolist() == [[cost for one in found for cost in one.costs[0]]]
    for place, (old, buffer) in enumerate(zip(before, learning.net.buffers(), strict=True)):
        every = [each[place] for each in statistics]
        if buffer.is_floating_point():
            torch.testing.assert_close(buffer, sum(every) / SHARDS)
        else:
            assert buffer == max(every) == old + 1


@pytest.mark.parametrize("shards", [3, 500])
def test_parts_of_validation_add_up_to_the_whole(tmp_path: Path, shards: int) -> None:
    learning = learning_of(tmp_path, SHARDS)
    kept = np.ones(len(learning.net.fabric.edges), dtype=bool)
    whole = evaluate_net(learning.net, stripes(), stripes().validation, kept)
    found = replace(learning.validation, shards=shards).score(kept)
    assert (found.metrics, found.headline) == (whole.metrics, whole.headline)
    assert found.loss == pytest.approx(whole.loss, rel=1e-6)


def test_shards_have_random_streams_of_their_own(tmp_path: Path) -> None:
    learning = learning_of(tmp_path, SHARDS)
    every = [learning._shard(shard, torch.Generator()) for shard in range(SHARDS)]
    for streams in zip(*((each.sampler, each.drawing, each.augmenting) for each in every), strict=True):
        assert len({stream.initial_seed() for stream in streams}) == SHARDS


def test_parameters_that_no_shard_used_are_left_alone(tmp_path: Path) -> None:
    learning = learning_of(tmp_path, 2)
    learning.settings = replace(learning.settings, fair_share=0.0)
    dropped = learning.net.fabric.searchable[0]
    learning.gamma.logits.fill_(40.0)
    learning.gamma.logits[dropped] = -40.0
    learning.net.train()
    joint, _ = one_step(learning, stripes().train.inputs[:8], stripes().train.labels[:8])
    unused = {id(parameter) for parameter in learning.net.operations[dropped].parameters()}
    for parameter, gradient in zip(learning.net.parameters(), joint.weight_gradients or (), strict=True):
        assert (gradient is None) == (id(parameter) in unused)


def test_statistics_of_any_type_go_back_where_they_were() -> None:
    net = nn.Sequential(nn.BatchNorm2d(3), nn.BatchNorm1d(2, affine=False).double(), nn.Linear(2, 2))
    statistics = RunningStatistics.of(net)
    values, counts = statistics.values(), statistics.counts()
    before = {name: buffer.clone() for name, buffer in net.named_buffers()}
    for buffer in net.buffers():
        buffer.add_(3)
    statistics.put(values, counts)
    after = dict(net.named_buffers())
    assert all(
        torch.equal(before[name], after[name]) and before[name].dtype == after[name].dtype for name in after
    )


def labels_for(meter: Meter) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    if isinstance(meter, PixelOverlap):
        return torch.randn(6, 2, 3, 3, generator=generator), torch.randint(2, (6, 3, 3), generator=generator)
    if isinstance(meter, Accuracy):
        return torch.randn(6, 2, generator=generator), torch.randint(2, (6,), generator=generator)
    return torch.randn(6, 2, generator=generator), torch.randint(2, (6, 2), generator=generator).float()


@pytest.mark.parametrize(
    "new",
    [
        Accuracy,
        lambda: PixelOverlap(("a", "b"), None),
        lambda: Errors(("a", "b"), torch.zeros(2), torch.ones(2)),
        lambda: LabelRanking(("a", "b")),
    ],
)
def test_meters_of_parts_join_to_that_of_the_whole(new: Any) -> None:
    whole, first, second, nothing = new(), new(), new(), new()
    outputs, labels = labels_for(whole)
    whole.update(outputs, labels)
    first.update(outputs[:2], labels[:2])
    second.update(outputs[2:], labels[2:])
    nothing.join(first)
    nothing.join(second)
    assert nothing.measured().metrics == pytest.approx(whole.measured().metrics)


def test_totals_of_shards_stand_in_their_order(tmp_path: Path) -> None:
    learning = learning_of(tmp_path, 2)
    learning.net.train()
    _, shards = one_step(learning, stripes().train.inputs[:8], stripes().train.labels[:8])
    rows = [list(shard.totals.all_live) for shard in shards]
    losses = [float(shard.totals.loss) for shard in shards]
    joined = EpochTotals.joined([shard.totals for shard in shards])
    assert [row.tolist() for row in joined.all_live] == [row.tolist() for part in rows for row in part]
    assert float(joined.loss) == pytest.approx(sum(losses))


# --- what is refused

PLACE = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}


def placed(patch: pytest.MonkeyPatch, **more: str) -> None:
    for name, value in (PLACE | more).items():
        patch.setenv(name, value)


def test_the_environment_says_which_process_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert launch_here() == Launch()
    placed(monkeypatch, LOCAL_RANK="1", TORCHELASTIC_RESTART_COUNT="3", TORCHELASTIC_USE_AGENT_STORE="True")
    assert launch_here() == Launch(1, 2, 1, 1, 3, "10.0.0.1", 29500, agent_listens=True)
    placed(monkeypatch, LOCAL_WORLD_SIZE="2")
    shared = Method(settings=SearchSettings(shards=2))
    hardware = sharing.shared_hardware(shared, "cpu", threads=None, workers=None)
    assert (hardware.threads, hardware.together) == (1, 2)
    assert sharing.shared_hardware(Method(), "cpu", threads=1, workers=None).together == 1
    monkeypatch.setattr(launch, "inside_worker", lambda: True)
    assert launch_here() == Launch()


@pytest.mark.parametrize(("name", "value"), [("RANK", "2"), ("WORLD_SIZE", "two"), ("MASTER_PORT", "-1")])
def test_an_environment_that_says_nonsense_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    placed(monkeypatch, **{name: value})
    with pytest.raises(InputError, match=f"{name} is '{value}', and must be a number from"):
        launch_here()


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ([], "2 processes cannot share a batch that is one shard: give --shards 2"),
        (["--shards", "3"], "2 processes cannot have as many of --shards 3 each"),
        (["--shards", "2", "--time", "1h"], "--time measures in one process"),
        (["--shards", "2", "--device", "cuda:1"], "--device cuda:1 is one for 2 processes"),
    ],
)
def test_what_several_processes_cannot_do_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], match: str
) -> None:
    placed(monkeypatch, RANK="0")
    fabric = fabric_of(STRIPES_DROPOUT, tmp_path)
    bsngraph.write_fabric(fabric, tmp_path / "fabric.dot")
    asked = ["search", str(tmp_path / "fabric.dot"), "--data", "digits", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(cli, [*asked, *words])
    assert (result.exit_code, match in result.output) == (2, True), result.output
    assert not (tmp_path / "run").exists()


def test_only_a_search_is_shared(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    placed(monkeypatch, RANK="0")
    monkeypatch.setattr(sys, "argv", ["bsngraph", "train", "fabric.dot"])
    with pytest.raises(SystemExit, match="2"):
        command._run()
    assert "2 processes can only share a search: run train without torchrun" in capsys.readouterr().err


@pytest.mark.parametrize(("code", "said"), [(0, ""), (130, ""), (2, "process 1: Error: no\n")])
def test_other_processes_than_the_first_say_nothing_but_their_errors(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int, said: str
) -> None:
    def main() -> None:
        print("a table")
        print("Error: no", file=sys.stderr)
        sys.exit(code)

    placed(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["bsngraph", "search"])
    monkeypatch.setattr(command, "main", main)
    monkeypatch.setattr(command, "_WAIT_S", 0.0)
    with pytest.raises(SystemExit, match=str(code)):
        command._run()
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(("batch", "shards"), [(16, 3), (16, 16), (200, 3)])
def test_a_batch_that_is_no_such_shards_is_refused(tmp_path: Path, batch: int, shards: int) -> None:
    fabric, what = fabric_of(STRIPES_DROPOUT, tmp_path), settings(shards=shards)
    with pytest.raises(InputError, match=f"a batch of {min(batch, 64)} examples cannot be {shards} shards"):
        job_of(fabric, tmp_path, settings=what, recipe=recipe(batch_size=batch))


def test_each_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    assert sharing.own_device(Launch(3, 4, 1), "auto") == "cuda"
    assert sharing.own_device(Launch(3, 4, 1), "cpu") == "cpu"
    assert sharing.own_device(Launch(), "cuda:1") == "cuda:1"
    assert chosen == [1]
    with pytest.raises(InputError, match="process 2 of this machine has no GPU, there are 2"):
        sharing.own_device(Launch(2, 4, 2), "cuda")


def test_gradients_that_are_not_gathered_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    class Noted(Silent):
        def note(self, text: str) -> None:
            told.append(text)

    class Two:
        size, from_first = 2, staticmethod(lambda value: None)

    job = job_of(fabric_of(STRIPES_DROPOUT, tmp_path), tmp_path, settings=settings(shards=2))
    shared = sharing.Sharing(Launch(size=2), Two())  # type: ignore[arg-type]
    shared.tell(job, Noted())
    assert not told
    monkeypatch.setattr(joint_step, "MOST_GATHERED", 8 * int(job.profile.params.sum()) - 1)
    shared.tell(job, Noted())
    (text,) = told
    assert "the last bits depend on the number of processes" in text


def test_a_process_with_other_data_ends_all_and_says_why(tmp_path: Path) -> None:
    """The second process has other data; the first one does not wait for ever."""
    script = (
        "import os, pathlib, test_shards; from dataclasses import replace\n"
        "case = test_shards.CASES['norm']\n"
        "more = 8 if os.environ['RANK'] == '1' else 0\n"
        "test_shards.CASES['norm'] = case._replace(data=test_shards.stripes(64 + more))\n"
        f"test_shards.search_case('norm', pathlib.Path({str(tmp_path)!r}))"
    )
    (first, _, lost), (second, _, said) = ends(start(2, ["-c", script], tmp_path))
    assert first != 0
    assert second != 0
    assert "InputError: data of this process and of the first one differ" in said
    assert "PeerLostError: another process of this search ended" in lost
