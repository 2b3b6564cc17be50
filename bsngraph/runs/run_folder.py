"""The run folder: which files a run writes, written whole or not at all, and reading
them back.

`config.json` is what the run was asked for. A folder with one holds a run; it is opened
again only to resume it under the same settings, or to overwrite it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bsngraph.errors import InputError
from bsngraph.whole_files import write_whole

FILES = (
    "config.json",
    "splits.json",
    "fabric.dot",
    "latencies.json",
    "incumbent.dot",
    "metrics.jsonl",
    "checkpoint.pt",
    "probabilities.dot",
    "architecture.dot",
    "overlay.dot",
    "architecture.svg",
    "architecture.png",
    "curves.svg",
    "curves.png",
    "model.safetensors",
    "certificate.json",
    "oracle.csv",
    "oracle.json",
    "result.json",
)

OpenMode = Literal["new", "resume", "overwrite"]
Json = dict[str, Any]


@dataclass(frozen=True)
class RunFolder:
    """A folder that holds one run."""

    path: Path

    def file(self, name: str) -> Path:
        """The path of one of the run's files."""
        assert name in FILES, name
        return self.path / name

    @property
    def finished(self) -> bool:
        """Whether the run came to its end: result.json is the last file it writes."""
        return self.file("result.json").exists()

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a JSON file."""
        write_whole(self.file(name), json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def read_json(self, name: str) -> Json:
        """Read a JSON file of the run.

        Raises:
            InputError: it is not there, or is no JSON object.
        """
        path = self.file(name)
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}): is {self.path} a run folder, "
                "and its run finished?") from None
        except ValueError as error:
            raise InputError(f"{path}: is not JSON ({error})") from None
        if not isinstance(value, dict):
            raise InputError(f"{path}: is not a JSON object")
        return value

    def write_metrics(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write metrics.jsonl, one object an epoch."""
        write_whole(self.file("metrics.jsonl"), "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))

    def read_metrics(self) -> list[Json]:
        """The rows of metrics.jsonl, none if there is none yet.

        Raises:
            InputError: a row is no JSON.
        """
        path = self.file("metrics.jsonl")
        try:
            return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
        except ValueError as error:
            raise InputError(f"{path}: is damaged ({error}): start the run again by --overwrite") from None


def open_run(path: Path, config: Json, mode: OpenMode) -> RunFolder:
    """Make the folder ready for a run of `config`.

    Raises:
        InputError: it holds a run already (mode new), holds none or one of other
            settings (mode resume), or cannot be made.
    """
    run = RunFolder(path)
    try:
        holds_run = run.file("config.json").exists()
        if mode != "resume":
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be made ({error.strerror}): give another --out") from None
    if mode == "resume":
        if not holds_run:
            raise InputError(f"{path} holds no run to resume: leave out --resume to start one")
        _same(run, config)
        _remove_unfinished(run)
        return run
    if holds_run and mode == "new":
        raise InputError(f"{path} already holds a run: go on with it by --resume, replace it by "
            "--overwrite, or give another --out")
    for name in FILES:
        run.file(name).unlink(missing_ok=True)
    _remove_unfinished(run)
    run.write_json("config.json", config)
    return run


@contextmanager
def reading(run: RunFolder, name: str) -> Iterator[None]:
    """What fails inside is the fault of one of the run's files: it is whole, but does
    not hold what it should.

    Raises:
        InputError: something did.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{run.file(name)}: is damaged, or was written by another version of bsngraph "
            f"({reason})") from None


def _remove_unfinished(run: RunFolder) -> None:
    """Remove what a killed run left of a file that it was about to replace."""
    for name in FILES:
        for left in run.path.glob(f".{name}.*"):
            left.unlink()


def _same(run: RunFolder, config: Json) -> None:
    """Raise where the settings differ from those of the run."""
    before, now = _flat(run.read_json("config.json")), _flat(json.loads(json.dumps(config)))
    differing = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if differing:
        shown = "; ".join(f"{name} was {before.get(name)!r} and is "
            f"{now.get(name)!r}" for name in differing[:5])
        raise InputError(f"{run.path}: cannot resume with other settings ({shown}): give those of the "
            "run, or start another in a new --out")


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {name: leaf for key, inner in value.items() for name, leaf in _flat(inner, f"{prefix}.{key}" if prefix else key).items()}
