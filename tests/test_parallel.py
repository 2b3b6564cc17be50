"""Tasks side by side: the same answers from every engine, errors as they were raised,
and no process that stays behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import worker_tasks

from bsngraph.errors import FabricError, InputError, RunFailedError
from bsngraph.parallel import (
    CannotBeSentError,
    Inline,
    Processes,
    RayCluster,
    TaskEngine,
    WorkerBugError,
    WorkerLostError,
    WorkerNotReadyError,
    open_workers,
    run_tasks,
    server_ahead,
)
from bsngraph.parallel.packing import from_bytes, to_bytes

TESTS = Path(__file__).parent
ENGINES = [Inline(), Processes(2)]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_task_has_one_answer(engine: TaskEngine) -> None:
    ends = list(run_tasks(worker_tasks.add, range(7), engine, shared=10))
    assert sorted((end.number, end.answer) for end in ends) == [(n, 10 + n) for n in range(7)]


def test_inline_tasks_end_in_their_order_in_this_process() -> None:
    ends = run_tasks(worker_tasks.where, [1, 2], Inline(), shared=None)
    assert [(end.number, end.answer[0]) for end in ends] == [(0, os.getpid()), (1, os.getpid())]


def test_one_process_is_this_one() -> None:
    ends = run_tasks(worker_tasks.where, [1], Processes(1), shared=None)
    assert [end.answer[0] for end in ends] == [os.getpid()]


def test_processes_have_one_thread_and_the_folder_of_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pid, threads, folder = next(run_tasks(worker_tasks.where, [1], Processes(2), shared=None)).answer
    assert (pid != os.getpid(), threads, folder) == (True, "1", str(tmp_path))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_task_may_lead_to_another(engine: TaskEngine) -> None:
    with open_workers(worker_tasks.add, engine, shared=1) as workers:
        workers.start(0, 0)
        seen = []
        for end in workers.ended():
            seen.append(end.answer)
            if end.answer < 4:
                workers.start(end.number + 1, end.answer)
    assert seen == [1, 2, 3, 4]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux")
def test_short_tasks_begin_in_this_process_and_go_on_in_others(tmp_path: Path) -> None:
    with open_workers(worker_tasks.where, Processes(2), shared=None, begin_here=True) as workers:
        workers.start(0, None)
        seen = []
        for end in workers.ended():
            seen.append(end.answer[0])
            if len({*seen}) < 2:
                workers.start(end.number + 1, None)
    assert seen[0] == os.getpid() != seen[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux")
def test_workers_share_what_was_imported_and_have_the_environment_of_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BSNGRAPH_TEST", "now")
    ends = run_tasks(
        worker_tasks.loaded_already,
        ["colorsys", "turtledemo"],
        Processes(2),
        shared=None,
        preloaded=("colorsys",),
    )
    assert sorted(end.answer for end in ends) == [("colorsys", True, "now"), ("turtledemo", False, "now")]


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Paths of sockets have at most 107 characters, and pytest's folders are long."""
    with TemporaryDirectory(prefix="b") as folder:
        yield Path(folder)


def servers_of(count: int) -> set[int]:
    """Which processes the workers of so many calls are copies of."""
    calls = (run_tasks(worker_tasks.server_of, [1, 2], Processes(2), shared=None) for _ in range(count))
    return {end.answer for ends in calls for end in ends}


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux")
def test_a_server_that_was_started_ahead_serves_all_workers_and_ends_with_the_block(
    monkeypatch: pytest.MonkeyPatch, short_folder: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short_folder))
    with server_ahead(("worker_tasks", "colorsys")), server_ahead(("worker_tasks",)):
        ends = run_tasks(worker_tasks.loaded_already, ["colorsys", "turtledemo"], Processes(2), shared=None)
        assert sorted(end.answer[:2] for end in ends) == [("colorsys", True), ("turtledemo", False)]
        (server,) = servers_of(2)
        assert runs(server)
    assert not runs(server)
    assert servers_of(1).isdisjoint([server])
    assert list(short_folder.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux")
def test_a_server_that_nobody_needs_ends_at_once(monkeypatch: pytest.MonkeyPatch, short_folder: Path) -> None:
    (short_folder / "slow_module.py").write_text("import time; time.sleep(60)", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(short_folder))
    monkeypatch.setattr("tempfile.tempdir", str(short_folder))
    begun = time.monotonic()
    with server_ahead(("slow_module",)):
        assert len(list(short_folder.glob("bsngraph-*"))) == 1
        list(run_tasks(worker_tasks.add, [1], Inline(), shared=1))
        assert list(short_folder.glob("bsngraph-*")) == []
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("engine", ENGINES)
def test_an_error_is_the_end_of_its_own_task_alone(engine: TaskEngine) -> None:
    tasks = ["input", "fabric", "bug", "none"]
    ends = {tasks[end.number]: end for end in run_tasks(worker_tasks.fail, tasks, engine, shared=None)}
    assert ends["none"].answer == 1
    with pytest.raises(InputError, match="the value is wrong"):
        _ = ends["input"].answer
    with pytest.raises(FabricError, match="what @ where: cure"):
        _ = ends["fabric"].answer
    raised = KeyError if engine == Inline() else WorkerBugError
    with pytest.raises(raised, match="bug"):
        _ = ends["bug"].answer


def test_a_process_that_dies_loses_the_tasks_under_way_and_no_other(tmp_path: Path) -> None:
    ends = list(run_tasks(worker_tasks.die, range(5), Processes(2), shared=tmp_path))
    assert {end.number: type(end.error) for end in ends} == {
        **dict.fromkeys((0, 1), WorkerLostError),
        **dict.fromkeys((2, 3, 4), type(None)),
    }
    with pytest.raises(WorkerLostError, match="lack of memory: try fewer --workers"):
        _ = next(end for end in ends if end.number == 0).answer


def test_what_is_shared_is_set_up_once_in_each_process(tmp_path: Path) -> None:
    tasks, setup = [2] * 4, worker_tasks.count_setup
    ends = run_tasks(worker_tasks.pid_when_all_run, tasks, Processes(2), shared=tmp_path, setup=setup)
    pids = {end.answer for end in ends}
    assert len(pids) == 2
    assert sorted((tmp_path / "setups").read_text(encoding="utf-8").split()) == sorted(map(str, pids))


def test_a_worker_that_cannot_get_ready_says_why(tmp_path: Path) -> None:
    ends = run_tasks(worker_tasks.die, [3], Processes(2), shared=tmp_path, setup=worker_tasks.refuse_setup)
    with pytest.raises(WorkerNotReadyError, match=r"my_ops\.py is not there"):
        _ = next(ends).answer


def test_tasks_inside_a_worker_run_there() -> None:
    ends = run_tasks(worker_tasks.nested, [1], Processes(2), shared=None)
    assert [end.answer for end in ends] == [[True, True]]


def test_what_no_other_process_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class OfTheScript:
        pass

    OfTheScript.__module__ = "__main__"
    with pytest.raises(CannotBeSentError, match="OfTheScript is defined in the script itself"):
        list(run_tasks(worker_tasks.add, [1], Processes(2), shared=OfTheScript()))
    with pytest.raises(CannotBeSentError, match="cannot be sent to another process"):
        list(run_tasks(worker_tasks.add, [1], Processes(2), shared=lambda: None))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.uint8, torch.float64])
def test_large_tensors_come_back_as_they_were(tmp_path: Path, kind: torch.dtype) -> None:
    large = torch.arange(2**21).view(2, -1).t().to(kind)
    back = from_bytes(to_bytes({"large": large, "none": np.zeros(0)}, tmp_path))["large"]
    assert torch.equal(back, large)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.bool, torch.int64, torch.complex64])
def test_small_tensors_come_back_as_they_were(kind: torch.dtype) -> None:
    plain = torch.arange(24).view(1, 2, 3, 4).to(kind)
    given = [
        plain,
        plain.to(memory_format=torch.channels_last),
        plain[:, 1:],
        plain.expand(2, 2, 3, 4),
        plain.conj(),
        plain[:, :0],
        plain[0, 0, 0, 0],
        torch.tensor(3).to(kind),
    ]
    for one, back in zip(given, from_bytes(to_bytes(given)), strict=True):
        assert (back.dtype, back.shape, back.stride()) == (one.dtype, one.shape, one.stride())
        assert torch.equal(back, one)
    back[...] = 1  # its own memory, which may be written to


def test_more_than_the_values_of_a_tensor_comes_back() -> None:
    given = [torch.nn.Parameter(torch.ones(2)), torch.ones(2, requires_grad=True), torch.ones(2).to_sparse()]
    parameter, leaf, sparse = from_bytes(to_bytes(given))
    assert (type(parameter), leaf.requires_grad, sparse.is_sparse) == (torch.nn.Parameter, True, True)
    with torch.no_grad():
        assert torch.equal(parameter + leaf + sparse.to_dense(), torch.full((2,), 3.0))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux what is mapped")
def test_processes_share_large_tensors_and_leave_no_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    large = torch.arange(2**18, dtype=torch.int64).view(512, -1).t()
    array = np.full((2, 2**16), 2.0)
    shared = {"large": large, "again": large, "small": torch.ones(3), "array": array}
    with open_workers(worker_tasks.total, Processes(2), shared=shared) as workers:
        workers.start(0, 1)
        for end in workers.ended():
            assert end.answer == (float(large.double().sum()) + 2**18 + 1, True)
        files = sorted(file.stat().st_size for file in tmp_path.glob("bsngraph-*/*.bin"))
        assert files == [array.nbytes, large.numel() * 8]
    assert list(tmp_path.iterdir()) == []


def test_a_full_folder_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("bsngraph.parallel.packing._is_large_tensor", full)
    with pytest.raises(CannotBeSentError, match="No space left on device"):
        list(run_tasks(worker_tasks.add, [1], Processes(2), shared=torch.ones(3)))
    assert list(tmp_path.iterdir()) == []


def test_a_number_of_processes_is_checked() -> None:
    with pytest.raises(InputError, match="workers=0 must be between 1 and"):
        Processes(0)


def test_ray_that_is_not_installed_is_an_input_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'bsngraph\[ray\]'"):
        list(run_tasks(worker_tasks.add, [1], RayCluster(), shared=0))


def test_a_ray_cluster_that_nobody_answers_for_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = SimpleNamespace(is_initialized=lambda: False, init=lambda **_: pytest.fail("Ray tries for minutes"))
    monkeypatch.setitem(sys.modules, "ray", ray)
    with pytest.raises(RunFailedError, match=r"127\.0\.0\.1:1: no Ray cluster can be reached \(.*refused\)"):
        list(run_tasks(worker_tasks.add, [1], RayCluster("127.0.0.1:1"), shared=0))


# A script without `if __name__ == "__main__"`: run again in a worker it would not end.
SCRIPT = """
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import worker_tasks
from bsngraph.parallel import Processes, run_tasks

folder = Path(sys.argv[1])
print("begun", flush=True)
print([end.answer for end in run_tasks(worker_tasks.alone, [1, 2], Processes(2), shared=None)], flush=True)
list(run_tasks(worker_tasks.sleep, [0, 1, 2], Processes(2), shared=folder))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_its_script(tmp_path: Path, ended_by: signal.Signals) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    environment = os.environ | {"PYTHONPATH": paths, "TMPDIR": str(temporary)}
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    files = [tmp_path / "0.pid", tmp_path / "1.pid"]
    for file in files:
        worker_tasks.wait_for(file)
    pids = [int(file.read_text(encoding="utf-8")) for file in files]
    assert [folder.name[:9] for folder in temporary.iterdir()] == ["bsngraph-"]
    if ended_by == signal.SIGINT:  # as a terminal does: to everyone
        os.killpg(process.pid, ended_by)
    else:
        process.kill()
    said, errors = process.communicate(timeout=30)
    assert said.splitlines() == ["begun", "[False, False]"]
    assert errors.count("Traceback") == (ended_by == signal.SIGINT), errors  # the script's own
    deadline = time.monotonic() + 10
    while [pid for pid in pids if runs(pid)]:
        assert time.monotonic() < deadline, "a worker goes on"
        time.sleep(0.05)
    assert not (tmp_path / "2.pid").exists()
    assert list(temporary.iterdir()) == []


AHEAD = """
import time

from bsngraph.parallel import server_ahead

with server_ahead(("colorsys",)):
    print("begun", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux")
def test_a_server_does_not_outlive_its_caller(short_folder: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(TESTS.parent), "TMPDIR": str(short_folder)}
    with subprocess.Popen(
        [sys.executable, "-c", AHEAD], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        worker_tasks.wait_for(next(short_folder.iterdir()) / "ready")
        process.kill()
    deadline = time.monotonic() + 10
    while list(short_folder.iterdir()):
        assert time.monotonic() < deadline, "its folder stays behind"
        time.sleep(0.05)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split()[2] != "Z"
    except FileNotFoundError:
        return False
