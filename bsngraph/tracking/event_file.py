"""A run → one event file, which TensorBoard reads (extra `tensorboard`).

Scalars are written epoch by epoch; the histogram of Γ, the architecture's picture and
the settings with what they led to follow at the end. A run that is logged again has its
old event file replaced. tensorboard's own package writes it: tensorboardX imports torch
wherever torch is installed.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bsngraph.errors import BsngraphError, InputError
from bsngraph.runs.run_folder import RunFolder
from bsngraph.tracking.scalars import result_scalars, scalars_of
from bsngraph.tracking.snapshot import (
    LoggedRows,
    RunSnapshot,
    architecture_picture_of,
    learned_probabilities,
    settings_of,
)

if TYPE_CHECKING:
    from tensorboard.summary.writer.record_writer import RecordWriter

_MARK = "tfevents"  # what TensorBoard knows its files by
_OURS = re.compile(r"\.bsngraph-[0-9a-f]{8}$")


@contextmanager
def open_event_file(run: RunFolder, folder: Path) -> Iterator[EventFile]:
    """The event file of a run in `folder`.

    Raises:
        BsngraphError: TensorBoard is not installed.
        InputError: event files of something else are there, or it cannot be read.
    """
    try:
        import tensorboard.plugins.hparams.api_pb2
        import tensorboard.summary.writer.record_writer  # noqa: F401
    except ModuleNotFoundError:
        raise BsngraphError("TensorBoard is not installed: pip install 'bsngraph[tensorboard]'") from None
    opened = EventFile(run, folder)
    try:
        yield opened
    finally:
        opened.close()


class EventFile:
    """The event file of one run. It is made when there is something to write, and old
    ones of the run are removed then.
    """

    def __init__(self, run: RunFolder, folder: Path) -> None:
        self._folder = folder
        path = os.fsencode(run.path.resolve())
        self._suffix = f".bsngraph-{hashlib.sha256(path).hexdigest()[:8]}"
        self._old = self._of_this_run(inside=folder.resolve().parent == run.path.resolve())
        self._writer: RecordWriter | None = None
        self._logged = LoggedRows()

    def show(self, now: RunSnapshot) -> None:
        """Write the epochs that the file lacks; begin another one if the run was
        replaced.
        """
        from bsngraph.tracking.event_values import event_of, scalar_values

        first = self._logged.first_missing(now)
        if self._writer is None or first is None:
            first, self._logged = 0, LoggedRows()
            self._writer = self._begin(now)
        for epoch in scalars_of(now.rows)[first:]:
            at_s = now.began_s + epoch.elapsed_s
            self._writer.write(event_of(at_s, epoch.step, scalar_values(epoch.values)))
        self._writer.flush()
        self._logged = self._logged.with_all(now)

    def conclude(self, now: RunSnapshot) -> None:
        """Write Γ, the picture, the settings and what was found, as far as the run has
        them.
        """
        from bsngraph.tracking.event_values import (
            event_of,
            histogram_value,
            picture_value,
            scalar_values,
            setting_values,
        )

        assert self._writer is not None
        epochs = scalars_of(now.rows)
        ended_s = now.began_s + (epochs[-1].elapsed_s if epochs else 0.0)
        scores = result_scalars(now.result) if now.result else {}
        values = scalar_values(scores)
        gamma, png = learned_probabilities(now.run), architecture_picture_of(now.run)
        values += [histogram_value("search/probabilities", gamma)] if gamma else []
        values += [picture_value("architecture", png)] if png else []
        values += setting_values(
            settings_of(now.config), scores, now.began_s, ended_s if now.result else None
        )
        self._writer.write(event_of(ended_s, len(epochs), values))
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()

    def _of_this_run(self, *, inside: bool) -> list[Path]:
        """The event files of the run in the folder. In a folder `inside` the run's own
        they are all its, wherever that was before.
        """
        try:
            there = [path for path in sorted(self._folder.iterdir()) if _MARK in path.name]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f"{self._folder}: cannot be read ({error.strerror}): give another -o") from None
        for path in there:
            if not (path.name.endswith(self._suffix) or (inside and _OURS.search(path.name))):
                raise InputError(
                    f"{self._folder}: holds event files of something else ({path.name}), and TensorBoard "
                    "would show them as this run's: give another -o"
                )
        return there

    def _begin(self, now: RunSnapshot) -> RecordWriter:
        """A new file in place of the old ones. Its name comes after theirs, so that a
        TensorBoard that reads them goes on to it.
        """
        from tensorboard.summary.writer.record_writer import RecordWriter

        from bsngraph.tracking.event_values import first_event

        self.close()
        seconds, rest = divmod(time.time_ns(), 10**9)
        path = self._folder / f"events.out.{_MARK}.{seconds:010d}.{rest:09d}{self._suffix}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = path.open("xb")
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}): give another -o") from None
        writer = RecordWriter(file)
        writer.write(first_event(now.began_s))
        for old in self._old:
            old.unlink(missing_ok=True)
        self._old = [path]
        return writer
