"""sweep.json: what a sweep was asked for, and the runs that were planned.

Reading it needs no torch. A command that asks for something else in the same folder is
refused; one that asks for more values of what varies adds runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from bsngraph.costs.budgets import Relation
from bsngraph.errors import InputError
from bsngraph.runs.lock import FolderInUseError, locked
from bsngraph.runs.rows.config import AskedCosts, Threads, WarmStartRecord
from bsngraph.typed_files import Positive, Row, Sha256, json_text, plain, read_row
from bsngraph.whole_files import write_whole

SWEEP_FILE, SWEEP_TABLE, FRONT_TABLE = "sweep.json", "sweep.csv", "front.csv"
FRONT_PICTURES = ("front.svg", "front.png")

RunName = Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z+-][0-9A-Za-z.+_-]*$", max_length=255)]

_POLL_S = 0.05


class ShownMetric(Row, frozen=True, kw_only=True):
    """The metric that runs are compared by: its name in files and for people, and
    whether it is a share, shown in percent.
    """

    name: str
    title: str
    percent: bool
    higher_is_better: bool

    def shown(self, value: float) -> str:
        """`96.11 %`, `53.2`."""
        return f"{100 * value:.2f} %" if self.percent else f"{value:.4g}"


class PlannedLimit(Row, frozen=True, kw_only=True):
    """A budget of a run. `limit` is in the unit of its cost, None where the cost is
    known only once it is measured.
    """

    cost: str
    relation: Relation
    limit: Positive | None


class PlannedRow(Row, frozen=True, kw_only=True):
    """A run: the name of its folder, its value on each axis, its budgets."""

    name: RunName
    values: dict[str, str]
    budgets: tuple[PlannedLimit, ...]


class SweepRecord(Row, frozen=True, kw_only=True):
    """The content of sweep.json.

    `fixed` is what was given with one value. `fabric_sha256` is of the fabric's file,
    `warm_start` the run that every search starts from.
    """

    format: Literal[1] = 1
    fabric: str
    fabric_sha256: Sha256
    data: str
    data_fingerprint: str
    task: str
    metric: ShownMetric
    preset: str | None
    warm_start: WarmStartRecord | None
    oracle: bool
    costs: AskedCosts
    device: str
    threads: Threads
    versions: dict[str, str]
    axes: tuple[str, ...]
    fixed: dict[str, str]
    runs: tuple[PlannedRow, ...]


def read_sweep_record(folder: Path) -> SweepRecord:
    """What a sweep was asked for.

    Raises:
        InputError: the folder holds no sweep, or sweep.json is damaged.
    """
    path = folder / SWEEP_FILE
    if not path.exists():
        raise InputError(
            f"{path}: there is no such file: is {folder} the --out of a sweep? Begin one by `bsngraph sweep "
            "FABRIC --data NAME --out DIR`"
        )
    return read_row(path, SweepRecord)


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Be alone in reading and writing a sweep's own files: several processes may work
    on its runs.

    Raises:
        InputError: nothing can be written there.
    """
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(locked(folder))
                break
            except FolderInUseError:
                time.sleep(_POLL_S)
        yield


def keep_record(folder: Path, record: SweepRecord) -> SweepRecord:
    """Write what is asked, with the runs that the folder has already; what is written.

    Raises:
        InputError: the folder holds a sweep of something else, a run, or files that may
            be the user's; or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}): give another --out") from None
    with changing(folder):
        if not (folder / SWEEP_FILE).exists():
            _check_free(folder)
            kept = record
        else:
            before = read_sweep_record(folder)
            _check_same(folder, before, record)
            there = {run.name for run in before.runs}
            added = tuple(run for run in record.runs if run.name not in there)
            kept = msgspec.structs.replace(before, runs=(*before.runs, *added))
        write_whole(folder / SWEEP_FILE, json_text(kept))
    return kept


def recorded_axes(folder: Path) -> tuple[str, ...]:
    """The axes of the sweep that a folder holds, none if it holds none yet.

    Raises:
        InputError: its sweep.json is damaged.
    """
    return read_sweep_record(folder).axes if (folder / SWEEP_FILE).exists() else ()


def _check_free(folder: Path) -> None:
    if (folder / "config.json").exists():
        raise InputError(f"{folder} holds a run: give the sweep a folder of its own by --out")
    there = [name for name in (SWEEP_TABLE, FRONT_TABLE, *FRONT_PICTURES) if (folder / name).exists()]
    if there:
        raise InputError(
            f"{folder}: {there[0]} would be replaced, and may be yours, since no {SWEEP_FILE} is there: "
            "move it away, or give another --out"
        )


def _check_same(folder: Path, before: SweepRecord, now: SweepRecord) -> None:
    """Raise where anything but the values on the axes differs."""
    if before.axes != now.axes:
        raise InputError(
            f"{folder}: holds a sweep over {', '.join(before.axes)}, and this one is over "
            f"{', '.join(now.axes)}: give it another --out"
        )
    asked_before, asked_now = _flat(plain(before)), _flat(plain(now))
    differing = sorted(
        name
        for name in asked_before.keys() | asked_now.keys()
        if asked_before.get(name) != asked_now.get(name)
    )
    if differing:
        shown = "; ".join(
            f"{name} was {asked_before.get(name)!r} and is {asked_now.get(name)!r}" for name in differing[:5]
        )
        raise InputError(
            f"{folder}: holds a sweep of something else ({shown}): repeat what it was asked for, or give "
            "another --out"
        )


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every value but the runs by its path: `costs.timeout_s`."""
    found: dict[str, Any] = {}
    for key, inner in value.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(inner, dict):
            found |= _flat(inner, path)
        elif path != "runs":
            found[path] = inner
    return found
