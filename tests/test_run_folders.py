"""Run folders: one run at a time, nothing replaced that is the user's."""

from __future__ import annotations

import errno
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny import STRIPES, fabric_of, recipe, settings, stripes

from bsngraph.errors import InputError
from bsngraph.runs import FILES, RunFolder
from bsngraph.runs.lock import LOCK_FILE, locked
from bsngraph.searching import Result, search, train
from bsngraph.training import Silent
from bsngraph.whole_files import check_regular, read_bounded, unfinished, write_whole

HOLDS = """\
import sys, time
from pathlib import Path
from bsngraph.runs.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


class Stopped(Silent):
    """Ctrl-C after so many epochs."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def epoch(self, row: Any) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def searched(out: Path, mode: Any = "new", **more: Any) -> Result:
    quick = recipe(epochs=1, augment=False)
    fabric = fabric_of(STRIPES, out.parent)
    more = {"recipe": quick, "settings": settings(finetune_epochs=1, candidates=2)} | more
    return search(fabric, stripes(), out=out, mode=mode, **more)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A search that was interrupted after its epoch, before the network was tuned."""
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path / "run", progress=Stopped(1))
    return tmp_path / "run"


# --- one folder, one run


@pytest.mark.parametrize("mode", ["new", "resume", "overwrite"])
def test_a_folder_where_a_run_goes_on_is_refused_with_who_holds_it(stopped: Path, mode: str) -> None:
    before = content(stopped)
    with locked(stopped):
        with pytest.raises(InputError) as refused:
            searched(stopped, mode=mode)
        assert (stopped / LOCK_FILE).exists()
    assert str(refused.value) == (
        f"{stopped}: another run goes on in this folder (process {os.getpid()} on {socket.gethostname()}): "
        "wait for its end or stop it, or give another --out"
    )
    assert content(stopped) == before


def test_the_lock_is_held_through_every_epoch_and_gone_at_the_end(tmp_path: Path) -> None:
    refused = []

    class Tries(Silent):
        def epoch(self, row: Any) -> None:
            with pytest.raises(InputError, match="another run goes on"):
                searched(tmp_path / "run", mode="overwrite")
            refused.append(row["epoch"])

    searched(tmp_path / "run", progress=Tries())
    assert refused == [1, 1]
    assert set(content(tmp_path / "run")) <= set(FILES)


def test_a_lock_ends_with_its_process_however_that_ends(stopped: Path) -> None:
    held = subprocess.Popen([sys.executable, "-c", HOLDS, stopped], stdout=subprocess.PIPE, text=True)
    assert held.stdout is not None
    with held, held.stdout:
        assert held.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"process {held.pid} on "):
            searched(stopped, mode="resume")
        held.kill()
        held.wait()
    assert (stopped / LOCK_FILE).exists(), "nobody was left to remove it"
    searched(stopped, mode="resume")
    assert set(content(stopped)) <= set(FILES)


def test_where_the_file_system_has_no_locks_a_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(handle: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("bsngraph.runs.lock._try_to_lock", without)
    with locked(tmp_path):
        assert (tmp_path / LOCK_FILE).exists()
    assert not (tmp_path / LOCK_FILE).exists()


# --- files of the user's


@pytest.mark.parametrize("mode", ["new", "overwrite"])
@pytest.mark.parametrize("name", ["fabric.dot", "result.json", "metrics.jsonl", "config.json"])
def test_a_file_of_the_users_with_a_runs_name_is_never_replaced(tmp_path: Path, name: str, mode: str) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / name).write_text('{"mine": true}', encoding="utf-8")
    with pytest.raises(InputError) as refused:
        searched(tmp_path / "own", mode=mode)
    said = str(refused.value)
    assert said.startswith(f"{tmp_path / 'own'}: {name} would be replaced, and may be yours")
    assert said.endswith("move the files away, or give another --out")
    assert content(tmp_path / "own") == {name: b'{"mine": true}'}


def test_a_folder_with_a_runs_name_and_a_broken_link_are_the_users_too(tmp_path: Path) -> None:
    (tmp_path / "own/result.json").mkdir(parents=True)
    (tmp_path / "own/curves.svg").symlink_to("nowhere")
    with pytest.raises(InputError, match=r"curves\.svg, result\.json would be replaced"):
        searched(tmp_path / "own", mode="overwrite")
    assert (tmp_path / "own/curves.svg").is_symlink()


def test_a_run_beside_other_files_leaves_them_alone(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    for name in ("notes.txt", ".config.json.backup", ".fabric.dot.swp", ".bsngraph-notes"):
        (tmp_path / "own" / name).write_text("mine")
    for mode in ("new", "overwrite", "resume"):
        searched(tmp_path / "own", mode=mode)
        for name in ("notes.txt", ".config.json.backup", ".fabric.dot.swp", ".bsngraph-notes"):
            assert (tmp_path / "own" / name).read_text() == "mine"


def test_a_run_killed_while_it_replaces_another_leaves_a_folder_that_can_be_replaced(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink, removed = Path.unlink, []

    def killed(path: Path, missing_ok: bool = False) -> None:
        if path.name == "fabric.dot":
            raise KeyboardInterrupt
        removed.append(path.name)
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            searched(stopped, mode="overwrite")
    assert "checkpoint.pt" in removed
    assert (stopped / "config.json").exists()
    searched(stopped, mode="overwrite")


def test_what_is_left_of_unfinished_writes_is_known_by_our_name(tmp_path: Path) -> None:
    ours = tmp_path / ".bsngraph-abc-config.json.tmp"
    for name in (ours.name, ".config.json.abc", ".bsngraph-abc-other.tmp", "config.json", "config.json.tmp"):
        (tmp_path / name).write_text("")
    assert unfinished(tmp_path / "config.json") == [ours]


# --- metrics and checkpoint in step


def test_metrics_with_fewer_rows_than_the_checkpoint_are_refused(stopped: Path) -> None:
    metrics = stopped / "metrics.jsonl"
    metrics.write_text("", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        searched(stopped, mode="resume")
    assert str(refused.value) == (
        f"{metrics}: has 0 rows, but the checkpoint goes on after 1: start the run again by --overwrite"
    )
    metrics.unlink()
    with pytest.raises(InputError, match="has 0 rows"):
        searched(stopped, mode="resume")


# --- disks


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "config.json"
    write_whole(path, "old")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(InputError, match=re.escape(f"{path}: cannot be written (No space left")):
            write_whole(path, "new")
        with pytest.raises(InputError, match="No space left"):
            train(fabric_of(STRIPES, tmp_path), stripes(), out=tmp_path / "run", recipe=recipe(epochs=1))
    assert path.read_text() == "old"
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]
    assert os.listdir(tmp_path / "run") == []


def test_a_disk_too_full_for_the_lock_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(InputError, match="cannot be written to"), locked(tmp_path):
            pass
    with locked(tmp_path):
        pass


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_folder_that_cannot_be_written_to_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal itself is simulated: root may write everywhere."""

    def read_only(*arguments: Any, **more: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(InputError, match=r"cannot be written to \(Read-only file system\): give another"):
        searched(tmp_path / "run")


# --- what is no file


@pytest.mark.skipif(os.name == "nt", reason="named pipes of POSIX")
def test_pipes_devices_and_folders_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(InputError, match="it is a pipe or a device"):
            read_bounded(path, 10, "")
        with pytest.raises(InputError, match="it is no regular file"):
            write_whole(path, "x")
    with pytest.raises(InputError, match="Is a directory"):
        check_regular(tmp_path)
    with pytest.raises(InputError, match="it is no regular file"):
        write_whole(tmp_path, "x")


def test_a_file_of_the_longest_name_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 120 + ".json")
    write_whole(path, "x")
    assert os.listdir(tmp_path) == [path.name]


def test_the_lock_file_is_no_file_of_a_run() -> None:
    assert LOCK_FILE not in FILES
    with pytest.raises(AssertionError):
        RunFolder(Path()).file(LOCK_FILE)
