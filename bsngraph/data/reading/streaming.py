"""From a surveyed reader to a `Dataset`: in memory if the survey kept the examples,
else read while they are used.

What a streamed split yields follows from the rows asked for, whatever the number of
worker processes; augmentation happens afterwards, on whole batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from bsngraph.data.dataset import Dataset, Split
from bsngraph.data.reading.digests import Digests, joint_digests, label_digests, texts_of
from bsngraph.data.reading.making import IGNORED, make_dataset, usual_augmentation
from bsngraph.data.reading.survey import Reader, Survey, loaded_by, worker_count
from bsngraph.data.request import Request
from bsngraph.data.splits import Rows, SplitRows
from bsngraph.errors import InputError
from bsngraph.tasks.task_table import TASKS

_AHEAD = 4


class _Batches(TorchDataset[Any]):
    """Whole batches of a reader, for worker processes: (inputs, labels), or the reason
    why one cannot be read any more.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def __getitem__(self, rows: Sequence[int]) -> tuple[Tensor, Tensor] | str:
        inputs, labels = [], []
        for row in rows:
            try:
                found = self.reader.read(row)
            except InputError as error:
                return f"{self.reader.place(row)}: {error}"
            inputs.append(found.pixels)
            labels.append(found.label)
        return torch.from_numpy(np.stack(inputs)), torch.from_numpy(
            np.stack([np.asarray(label) for label in labels])
        )


@dataclass(frozen=True)
class StreamedSplit(Split):
    """A split that is read while it is used.

    `inputs` tells shape and type only (a tensor on torch's meta device); so do
    `labels`, if they are label maps. `rows` (n,) are the examples' numbers in the
    reader; `counts` (n, 256) how many pixels of a label map have a label; `digests` (n,
    2) the hashes of pixels and label maps.
    """

    reader: Reader
    rows: Rows
    counts: NDArray[np.uint32]
    digests: Digests
    workers: int
    device: torch.device

    def to(self, device: torch.device) -> StreamedSplit:
        """The same examples, yielded on another device."""
        return replace(self, device=device)

    def only(self, rows: Rows) -> StreamedSplit:
        """The examples of these numbers, in this order."""
        return replace(
            self,
            inputs=self.inputs.new_empty(len(rows), *self.inputs.shape[1:]),
            labels=self.labels.new_empty(len(rows), *self.labels.shape[1:])
            if self.labels.is_meta
            else self.labels[torch.from_numpy(rows)],
            rows=self.rows[rows],
            counts=self.counts[rows],
            digests=self.digests[rows],
        )

    def with_more(self, others: Sequence[Split]) -> StreamedSplit:
        """These examples, then those of the others, which the same reader reads."""
        streamed = [self, *(one for one in others if isinstance(one, StreamedSplit))]
        return replace(
            self,
            inputs=torch.cat([one.inputs for one in streamed]),
            labels=torch.cat([one.labels for one in streamed]),
            rows=np.concatenate([one.rows for one in streamed]),
            counts=np.concatenate([one.counts for one in streamed]),
            digests=np.concatenate([one.digests for one in streamed]),
        )

    def labelled(self, labels: Tensor) -> StreamedSplit:
        """The same images with other classes."""
        return replace(self, labels=labels)

    def example_digests(self) -> tuple[str, ...]:
        """A hash of each example, as of one in memory."""
        pixels, maps = self.digests.T
        return joint_digests(pixels, maps if self.labels.is_meta else label_digests(self.labels.numpy()))

    def content_digests(self) -> tuple[str, ...]:
        """A hash of each image, as of one in memory."""
        return texts_of(self.digests[:, 0])

    def batches(self, rows: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Raw inputs and labels for each vector of row numbers; several batches ahead
        are being read.

        Raises:
            InputError: an example cannot be read any more.
        """
        asked = list(rows)
        numbers = [self.rows[some.numpy()].tolist() for some in asked]
        workers = min(self.workers, len(numbers))
        loaded = loaded_by(
            workers,
            _Batches(self.reader),
            sampler=numbers,
            batch_size=None,
            prefetch_factor=_AHEAD if workers else None,
        )
        for some, batch in zip(asked, loaded, strict=True):
            if isinstance(batch, str):
                raise InputError(f"{batch}; it could be read when the run began")
            labels = batch[1] if self.labels.is_meta else self.labels[some]
            yield batch[0].to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)

    def label_counts(self, classes: int) -> Tensor:
        """How often each class is a label: (classes,)."""
        if not self.labels.is_meta:
            return super().label_counts(classes)
        return torch.from_numpy(self.counts.sum(axis=0, dtype=np.int64)[:classes])

    def _find_wrong_label(self, task: str, classes: int, ignore_label: int | None) -> str | None:
        """By the counts of label maps, which are not read for it."""
        if not self.labels.is_meta:
            return super()._find_wrong_label(task, classes, ignore_label)
        used = np.flatnonzero(self.counts.sum(axis=0))
        wrong = used[~TASKS[task].labels.allowed(used, classes, ignore_label)]
        return f"has the label {wrong[0]} in a label map" if len(wrong) else None

    def digest(self) -> Iterator[bytes]:
        """What tells these examples from others."""
        yield f"{tuple(self.inputs.shape)}".encode()
        yield self.digests.tobytes()
        if not self.labels.is_meta:
            yield self.labels.numpy().tobytes()


def dataset_from_survey(
    request: Request,
    reader: Reader,
    found: Survey,
    labels: NDArray[np.int64] | None,
    rows: SplitRows,
    class_names: Sequence[str],
) -> Dataset:
    """A data set of a reader's usable examples: in memory if the survey kept them, else
    streaming.

    `labels` (n,) are the classes of the usable examples; without, they are label maps.
    `rows` count the usable examples.
    """
    task = "classification" if labels is not None else "segmentation"
    ignore = IGNORED if labels is None else None
    if found.pixels is not None:
        marks = found.maps if labels is None else labels
        assert marks is not None, "a survey keeps label maps with their images"
        return make_dataset(
            request,
            found.pixels,
            marks,
            rows,
            class_names,
            task=task,
            ignore_label=ignore,
            skipped=found.skipped,
        )
    return _streamed(request, reader, found, labels, rows, class_names)


def surveyed_split(request: Request, reader: Reader, found: Survey, labels: Tensor | None) -> Split:
    """A reader's usable examples: in memory if the survey kept them, else streaming.

    `labels` are theirs; without, they are the label maps that the reader gives.
    """
    if found.pixels is None:
        return _streamed_split(reader, found, labels, np.arange(len(found.good)), worker_count(request))
    maps = torch.from_numpy(found.maps) if labels is None else labels
    return Split(torch.from_numpy(found.pixels), maps)


def _streamed_split(
    reader: Reader, found: Survey, labels: Tensor | None, rows: Rows, workers: int
) -> StreamedSplit:
    """Some of a reader's usable examples, with their `labels` or its label maps."""
    maps = torch.empty((len(rows), *found.shape[1:]), dtype=torch.uint8, device="meta")
    return StreamedSplit(
        torch.empty((len(rows), *found.shape), dtype=torch.uint8, device="meta"),
        maps if labels is None else labels,
        reader,
        found.good[rows],
        found.counts[rows],
        found.digests[rows],
        workers,
        torch.device("cpu"),
    )


def _streamed(
    request: Request,
    reader: Reader,
    found: Survey,
    labels: NDArray[np.int64] | None,
    rows: SplitRows,
    class_names: Sequence[str],
) -> Dataset:
    """A data set whose examples are read while they are used."""
    workers = worker_count(request)

    def split(some: Rows) -> StreamedSplit:
        classes = None if labels is None else torch.from_numpy(labels[some])
        return _streamed_split(reader, found, classes, some, workers)

    unused = rows.unused(len(found.good))
    pixels = float(found.shape[1] * found.shape[2] * len(rows.train))
    sums = found.sums[rows.train].sum(axis=0) / pixels  # (channels, 2)
    variance = np.maximum(sums[:, 1] - sums[:, 0] ** 2, 0)
    return Dataset(
        name=request.text,
        class_names=tuple(class_names),
        mean=tuple(sums[:, 0].tolist()),
        std=tuple(float(np.sqrt(one)) or 1.0 for one in variance),
        train=split(rows.train),
        validation=split(rows.validation),
        test=split(rows.test),
        augmentation=usual_augmentation(found.shape),
        task="segmentation" if labels is None else "classification",
        ignore_label=IGNORED if labels is None else None,
        rows=rows,
        skipped=found.skipped,
        unused=split(unused) if len(unused) else None,
    )
