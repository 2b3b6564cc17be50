"""The run folder: which files a run writes, written whole or not at all, and reading
them back.

Every JSON file has a struct in `rows`: it is written from that struct, and decoded to
it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from bsngraph.errors import InputError
from bsngraph.runs.rows.answers import AnyAnswers
from bsngraph.runs.rows.certificate import CERTIFICATE_FORMAT, Certificate
from bsngraph.runs.rows.config import AnyConfig
from bsngraph.runs.rows.epochs import EpochRow, flat, gathered, row_type
from bsngraph.runs.rows.front import NETWORK_FILES, Front, parse_front
from bsngraph.runs.rows.latencies import LatenciesRow
from bsngraph.runs.rows.result import RunResult
from bsngraph.runs.rows.splits import SplitsRow
from bsngraph.typed_files import CURE, MOST_BYTES, decode_value, json_text, parse_json, read_row
from bsngraph.whole_files import read_bounded, write_whole

_T = TypeVar("_T")

_MOST_ROWS = 200_000

FILES = (
    "config.json",
    "splits.json",
    "fabric.dot",
    "latencies.json",
    "incumbent.dot",
    "metrics.jsonl",
    "trainings.csv",
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
    "answers.json",
    "result.json",
)

FRONT_FILES = (*NETWORK_FILES, "front.csv", "front.svg", "front.png")
"""What a search under a range of limits writes besides."""

OpenMode = Literal["new", "resume", "overwrite"]
Json = dict[str, Any]

_KINDS: dict[str, Any] = {
    "config.json": AnyConfig,
    "splits.json": SplitsRow,
    "latencies.json": LatenciesRow,
    "certificate.json": Certificate,
    "answers.json": AnyAnswers,
    "result.json": RunResult,
}


class _Versioned(msgspec.Struct):
    """The one field that every format of a certificate has."""

    format: int


@dataclass(frozen=True)
class RunFolder:
    """A folder that holds one run."""

    path: Path

    def file(self, name: str) -> Path:
        """The path of one of the run's files."""
        assert name in FILES or name in FRONT_FILES, name
        return self.path / name

    @property
    def finished(self) -> bool:
        """Whether the run came to its end: result.json is the last file it writes."""
        return self.file("result.json").exists()

    def read_config(self) -> AnyConfig:
        """What the run was asked for.

        Raises:
            InputError: config.json is missing or damaged.
        """
        return self._read("config.json", AnyConfig)  # type: ignore[arg-type]

    def read_splits(self) -> SplitsRow:
        """Which examples train, choose and test.

        Raises:
            InputError: splits.json is missing or damaged.
        """
        return self._read("splits.json", SplitsRow)

    def read_latencies(self) -> LatenciesRow:
        """What was measured of the fabric's edges.

        Raises:
            InputError: latencies.json is missing or damaged.
        """
        return self._read("latencies.json", LatenciesRow)

    def read_result(self) -> RunResult:
        """What the run delivered.

        Raises:
            InputError: result.json is missing, as in an unfinished run, or damaged.
        """
        return self._read("result.json", RunResult)

    def read_answers(self) -> AnyAnswers | None:
        """What the delivered network answered on test data; None if that was not
        recorded, as by older versions.

        Raises:
            InputError: answers.json is damaged.
        """
        if not self.file("answers.json").exists():
            return None
        return self._read("answers.json", AnyAnswers)  # type: ignore[arg-type]

    def read_front(self) -> Front:
        """The networks of a range of limits.

        Raises:
            InputError: front.csv is missing, as of a run without a range, or damaged.
        """
        path = self.file("front.csv")
        if not path.exists():
            raise InputError(
                f"{path}: there is no front in {self.path}: search under a range of limits for one, such as "
                "--budget macs=10%..60%"
            )
        return parse_front(read_bounded(path, MOST_BYTES, "which no front is"), str(path))

    def read_certificate(self) -> Certificate:
        """What was counted on the delivered network.

        Raises:
            InputError: certificate.json is missing, damaged, or of another format.
        """
        path = self.file("certificate.json")
        if not path.exists():
            raise InputError(f"{path}: there is no certificate: is {self.path} the folder of a finished run?")
        found = read_row(path, _Versioned).format
        if found != CERTIFICATE_FORMAT:
            raise InputError(
                f"{path}: its format at $.format is {found}, and this version reads "
                f"{CERTIFICATE_FORMAT}: verify it with the version of bsngraph that it names"
            )
        return self._read("certificate.json", Certificate)

    def read_epochs(self) -> list[EpochRow]:
        """The rows of metrics.jsonl, none if there is none yet.

        Raises:
            InputError: a row is damaged, or there are more than any run writes.
        """
        path = self.file("metrics.jsonl")
        if not path.exists():
            return []
        found: list[EpochRow] = []
        content = read_bounded(path, MOST_BYTES, "which no run's metrics are")
        if content.count(b"\n") > _MOST_ROWS:
            raise InputError(
                f"{path}: has more than {_MOST_ROWS:,} rows, which no run's metrics have: {CURE}"
            )
        lines = content.split(b"\n")
        for number, line in enumerate(lines[:-1] if lines[-1] == b"" else lines, start=1):
            origin = f"{path}, line {number}"
            said = parse_json(line, origin)
            if not isinstance(said, dict):
                raise InputError(f"{origin}: is no object at $: start the run again by --overwrite")
            found.append(decode_value(gathered(said), row_type(said), origin))
        return found

    def read_metrics(self) -> list[Json]:
        """The same as plain objects, as the lines say them: for drawings and tables."""
        return [flat(row) for row in self.read_epochs()]

    def write_metrics(self, lines: Iterable[str]) -> None:
        """Write metrics.jsonl, a line of `metrics_line` an epoch."""
        write_whole(self.file("metrics.jsonl"), "".join(lines))

    def write_json(self, name: str, value: object) -> None:
        """Write a JSON file from its struct, or from the plain values of one."""
        write_whole(self.file(name), file_text(name, value))

    def _read(self, name: str, kind: type[_T]) -> _T:
        path = self.file(name)
        if not path.exists():
            raise InputError(
                f"{path}: cannot be read (there is no such file): is {self.path} a run folder, and its run "
                "finished?"
            )
        return read_row(path, kind)


def metrics_line(row: EpochRow) -> str:
    """An epoch as a line of metrics.jsonl."""
    return json.dumps(flat(row), ensure_ascii=False) + "\n"


def file_text(name: str, value: object) -> str:
    """The text of one of a run's JSON files, from its struct or the plain values of
    one.
    """
    kind = _KINDS.get(name)
    row = value if kind is None or isinstance(value, msgspec.Struct) else msgspec.convert(value, kind)
    return json_text(row)
