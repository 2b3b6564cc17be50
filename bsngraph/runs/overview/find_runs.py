"""Folders → the run folders in them, at any depth.

Links to folders are not followed, so that no loop of them is gone round, and hidden
folders are left out. A folder of another program that has a config.json, too, is no
run. Exports, which carry the files of their run, are not looked into.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bsngraph.errors import InputError
from bsngraph.runs.run_folder import FILES

MOST_FOLDERS, MOST_DEPTH = 100_000, 32
_EXPORT = "export.json"
_ENOUGH = 3  # files of a run, for a folder to be one though its config.json is damaged
_LEARNED = {"metrics.jsonl", "checkpoint.pt"}  # the same, for a config.json that is gone
_COMMANDS = tuple(f'"command": "{name}"'.encode() for name in ("search", "prune", "train"))
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class FoundRuns:
    """Run folders in the order of their paths. `complete` is False if there were more
    folders, or deeper ones, than are looked into.
    """

    folders: tuple[Path, ...]
    complete: bool


def find_runs(roots: Iterable[Path], *, most: int = MOST_FOLDERS) -> FoundRuns:
    """The run folders in `roots`, which may be run folders themselves; each is named
    once. At most `most` folders are looked into.

    Raises:
        InputError: a root is no folder, or cannot be read.
    """
    found: dict[Path, Path] = {}
    looked, complete = 0, True
    for root in roots:
        _check_folder(root)
        for folder, names, whole in _walk(root):
            looked += 1
            complete &= whole
            if looked > most:
                return FoundRuns(_ordered(found), complete=False)
            if is_run(folder, names):
                found.setdefault(folder.resolve(), folder)
    return FoundRuns(_ordered(found), complete)


def is_run(folder: Path, names: set[str]) -> bool:
    """Whether a folder with these files holds a run, however damaged."""
    if "config.json" not in names:
        return names >= _LEARNED
    return len(names.intersection(FILES)) >= _ENOUGH or _of_ours(folder / "config.json")


def _check_folder(root: Path) -> None:
    try:
        os.scandir(root).close()
    except OSError as error:
        raise InputError(
            f"{root}: cannot be looked into ({error.strerror}): name a run folder, or a folder of runs"
        ) from None


def _walk(root: Path) -> Iterator[tuple[Path, set[str], bool]]:
    """Each folder with the names of its files, and whether all folders in it are
    looked into.
    """
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        files, below = _content(folder)
        if _EXPORT in files:
            continue
        deeper = [(folder / name, depth + 1) for name in sorted(below, reverse=True)]
        whole = depth < MOST_DEPTH or not deeper
        yield folder, files, whole
        waiting += deeper if whole else []


def _content(folder: Path) -> tuple[set[str], list[str]]:
    """The names of the files and of the folders in a folder; none of one that cannot be
    read.
    """
    files, folders = set[str](), list[str]()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    files.add(entry.name)
                elif not entry.name.startswith("."):
                    folders.append(entry.name)
    except OSError:
        return set(), []
    return files, folders


def _of_ours(config: Path) -> bool:
    """Whether a config.json names a command of ours, near its beginning."""
    try:
        if not config.is_file():  # a pipe would be waited for
            return False
        with config.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return any(command in head for command in _COMMANDS)


def _ordered(found: dict[Path, Path]) -> tuple[Path, ...]:
    return tuple(sorted(found.values()))
