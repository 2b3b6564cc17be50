"""A run folder → what it says at one moment, as trackers need it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from bsngraph.errors import InputError
from bsngraph.fabric.reading.dot_to_raw import dot_to_raw
from bsngraph.runs.lock import run_goes_on
from bsngraph.runs.rows.config import AnyConfig
from bsngraph.runs.rows.epochs import EpochRow
from bsngraph.runs.rows.result import RunResult
from bsngraph.runs.run_folder import RunFolder
from bsngraph.tracking.scalars import digest_of_rows
from bsngraph.typed_files import CURE, MOST_BYTES, plain
from bsngraph.whole_files import read_bounded

LoggedSetting = str | int | float | bool

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_PICTURE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class RunSnapshot:
    """What a run says at one moment.

    `began_s` is when it was begun, in seconds since 1970. `identity` is a hash of what
    it was asked for: a run that replaces another has another one. `result` is None
    until the run has ended; `goes_on` says whether a process is at work on it.
    """

    run: RunFolder
    config: AnyConfig
    identity: str
    began_s: float
    rows: tuple[EpochRow, ...]
    result: RunResult | None
    goes_on: bool


@dataclass(frozen=True)
class LoggedRows:
    """The epochs of a run that a tool has."""

    identity: str = ""
    rows: tuple[EpochRow, ...] = ()

    def first_missing(self, now: RunSnapshot) -> int | None:
        """The first row that the tool lacks; None if it has rows of another run, or
        rows that the run does not have any more.

        A resumed run has fewer rows for a while, and writes the same ones again.
        """
        common = min(len(self.rows), len(now.rows))
        same = digest_of_rows(self.rows[:common]) == digest_of_rows(now.rows[:common])
        return len(self.rows) if same and self.identity == now.identity else None

    def with_all(self, now: RunSnapshot) -> LoggedRows:
        """What the tool has after it was given all that the run has now."""
        return LoggedRows(now.identity, max(self.rows, now.rows, key=len))


def snapshot_of(run: RunFolder) -> RunSnapshot:
    """What a run says now.

    Raises:
        InputError: it is no run folder, or one of its files is damaged.
    """
    goes_on = run_goes_on(run.path)  # asked first: what was written before it ended is read
    config = run.read_config()
    file = run.file("config.json")
    return RunSnapshot(
        run,
        config,
        hashlib.sha256(read_bounded(file, MOST_BYTES, "which no run's is")).hexdigest(),
        file.stat().st_mtime,
        tuple(run.read_epochs()),
        run.read_result() if run.finished else None,
        goes_on,
    )


def settings_of(config: AnyConfig) -> dict[str, LoggedSetting]:
    """What the run was asked for, flat: settings under the names of their options."""
    asked: dict[str, Any] = {
        "command": config.command,
        "fabric": config.fabric,
        "data": config.data.name,
        "task": config.data.task,
        "budgets": " ".join(budget.text for budget in config.budgets),
        "seed": config.seed,
        "device": config.device,
        "threads": config.threads,
        "preset": getattr(config, "preset", None),
        **plain(config.recipe),
        **plain(config.settings),
        **{f"version_{name}": version for name, version in config.versions.items()},
    }
    return {name: _setting(value) for name, value in asked.items()}


def learned_probabilities(run: RunFolder) -> list[float]:
    """Γ at the end of the search, one a searchable edge; none of a run without a
    search.

    Raises:
        InputError: probabilities.dot is damaged.
    """
    file = run.file("probabilities.dot")
    if not file.exists():
        return []
    content = read_bounded(file, MOST_BYTES, "which no graph of a run is")
    graph = dot_to_raw(content.decode("utf-8", "replace"), str(file))
    try:
        found = [float(edge.own["probability"]) for edge in graph.edges if "probability" in edge.own]
    except ValueError:
        found = [-1.0]
    if not all(0 <= value <= 1 for value in found):
        raise InputError(f"{file}: a probability is not between 0 and 1: {CURE}")
    return found


def architecture_picture_of(run: RunFolder) -> bytes | None:
    """The PNG of the architecture; None if the run has drawn none.

    Raises:
        InputError: architecture.png is no PNG.
    """
    file = run.file("architecture.png")
    if not file.exists():
        return None
    content = read_bounded(file, _MOST_PICTURE_BYTES, "which no picture of a run is")
    if not content.startswith(_PNG) or len(content) < len(_PNG) + 16:
        raise InputError(f"{file}: is no PNG: draw it again by `bsngraph render {run.path} -o {file}`")
    return content


def png_size(content: bytes) -> tuple[int, int]:
    """Width and height of a PNG in pixels, as its header says."""
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def _setting(value: Any) -> LoggedSetting:
    if value is None:
        return "none"
    return value if isinstance(value, str | int | float | bool) else json.dumps(value, ensure_ascii=False)
