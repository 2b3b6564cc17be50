"""Examples that are read one at a time: into memory where they fit, else while they are used, by worker processes.

In: a `Reader`, which gives any of its examples by number. `survey` reads every example once, before anything is trained: what is wrong with
any of them is known then, and so are the statistics. What a streamed split yields follows from the rows asked for, whatever the number
of workers; augmentation happens afterwards, on whole batches.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from bsngraph.data.dataset import Dataset, Split, TaskKind
from bsngraph.data.making import IGNORED, usual_augmentation
from bsngraph.data.names import Meter, Request
from bsngraph.data.splits import Rows, SplitRows
from bsngraph.errors import InputError

MEMORY = 2_000_000_000
"""Bytes of pixels above which a set streams, where its name does not say `memory=…`."""

_MOST_TOLD = 5
_AHEAD = 4

Example = tuple[NDArray[np.uint8], NDArray[np.uint8] | int]


class Reader(Protocol):
    """Examples by number. They must survive pickling: worker processes get a copy."""

    def __len__(self) -> int: ...

    def place(self, row: int) -> str:
        """What an error calls an example: its file."""

    def read(self, row: int) -> Example:
        """Pixels (channels, height, width) and a class, or a label map (height, width); raises InputError with the reason."""


@dataclass(frozen=True)
class Survey:
    """What reading every example once has shown; arrays are by example.

    `good`: the numbers of the usable ones; the other arrays are for these. `pixels` and `labels` hold the examples where they fit into
    memory, else None. `sums` (n, channels, 2): of the pixels and of their squares. `counts` (n, 256): how many pixels have a label.
    """

    good: Rows
    skipped: tuple[str, ...]
    shape: tuple[int, int, int]
    pixels: NDArray[np.uint8] | None
    maps: NDArray[np.uint8] | None
    sums: NDArray[np.float64]
    counts: NDArray[np.uint32]
    digests: NDArray[np.uint64]

    def only(self, rows: Rows) -> Survey:
        """Of these of the usable examples alone."""
        pixels = None if self.pixels is None else self.pixels[rows]
        maps = None if self.maps is None else self.maps[rows]
        return Survey(self.good[rows], self.skipped, self.shape, pixels, maps, self.sums[rows], self.counts[rows], self.digests[rows])


@dataclass(frozen=True)
class _Seen:
    """One example as the survey keeps it: the reason why it cannot be used, or its pixels or only their statistics."""

    reason: str = ""
    shape: tuple[int, ...] = ()
    example: Example | None = None
    sums: NDArray[np.float64] | None = None
    counts: NDArray[np.uint32] | None = None
    digest: int = 0


class _Looking(TorchDataset[_Seen]):
    """A reader's examples as `_Seen`, for worker processes."""

    def __init__(self, reader: Reader, *, keep: bool) -> None:
        self.reader, self.keep = reader, keep

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, row: int) -> _Seen:
        try:
            pixels, label = self.reader.read(row)
        except InputError as error:
            return _Seen(reason=str(error))
        flat = pixels.reshape(len(pixels), -1).astype(np.float64)
        counts = np.bincount(label.ravel(), minlength=256) if isinstance(label, np.ndarray) else np.zeros(0)
        return _Seen(
            shape=pixels.shape,
            example=(pixels, label) if self.keep else None,
            sums=np.stack([flat.sum(1), (flat**2).sum(1)], axis=1),
            counts=counts.astype(np.uint32),
            digest=_digest(pixels, label),
        )


def _digest(pixels: NDArray[np.uint8], label: NDArray[np.uint8] | int) -> int:
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(pixels.tobytes())
    digest.update(label.tobytes() if isinstance(label, np.ndarray) else str(label).encode())
    return int.from_bytes(digest.digest()[:8], "big")


def survey(reader: Reader, request: Request, problems: Sequence[str] = ()) -> Survey:
    """Read every example once. `problems` are what is known to be wrong already.

    The options of the name say where memory ends (`memory`) and how many processes read beyond it (`workers`).

    Raises:
        InputError: an example cannot be used, or has not the shape of the first one; all of them are counted, the first few named.
            With `bad=skip` they are left out, with a line to `notify`.
    """
    first, sample = _first_good(reader, request, problems)
    limit = request.bytes("memory", MEMORY)
    keep = sample.size * len(reader) <= limit
    workers = 0 if keep else worker_count(request)
    meter = Meter(f"{request.text}: reading", len(reader), request.notify)
    good, bad, seen = [], list(problems), []
    for row, one in enumerate(_each(_Looking(reader, keep=keep), workers)):
        meter.at(row)
        reason = one.reason
        if not reason and one.shape != sample.shape:
            cure = "say channels=1 or channels=3" if one.shape[1:] == sample.shape[1:] else "say size=HEIGHTxWIDTH to resize all"
            reason = f"is {_sizes(one.shape)}, but {reader.place(first)} is {_sizes(sample.shape)}: examples have one shape; {cure}"
        if reason:
            bad.append(f"{reader.place(row)}: {reason}")
        else:
            good.append(row)
            seen.append(one)
    report_bad(request, bad, len(reader) + len(problems))
    examples = [one.example for one in seen if one.example is not None]
    is_map = bool(len(seen) and seen[0].counts is not None and len(seen[0].counts))
    return Survey(
        good=np.array(good, dtype=np.int64),
        skipped=tuple(bad),
        shape=(sample.shape[0], sample.shape[1], sample.shape[2]),
        pixels=np.stack([pixels for pixels, _ in examples]) if keep else None,
        maps=np.stack([label for _, label in examples]) if keep and is_map else None,
        sums=np.stack([one.sums for one in seen if one.sums is not None]),
        counts=np.stack([one.counts for one in seen if one.counts is not None]),
        digests=np.array([one.digest for one in seen], dtype=np.uint64),
    )


def report_bad(request: Request, bad: Sequence[str], total: int, what: str = "examples") -> None:
    """Say what cannot be used: an error, or a warning where it is to be skipped.

    Raises:
        InputError: something cannot be used, and is not to be skipped.
    """
    if not bad:
        return
    lines = [f"  - {reason}" for reason in bad[:_MOST_TOLD]] + ([f"  … and {len(bad) - _MOST_TOLD} more"] if len(bad) > _MOST_TOLD else [])
    listed = "\n".join(lines)
    if not request.skip_bad:
        raise InputError(f"{request.text}: {len(bad)} of {total} {what} cannot be used (--skip-bad leaves them out):\n{listed}")
    request.notify(f"{request.text}: {len(bad)} of {total} {what} skipped:\n{listed}")


def worker_count(request: Request) -> int:
    """How many processes read: `workers=N` of the name, else one for each core, four at most."""
    count = request.number("workers", min(os.cpu_count() or 1, 4), least=0)
    assert count is not None, "there is a default"
    return count


def _first_good(reader: Reader, request: Request, problems: Sequence[str]) -> tuple[int, NDArray[np.uint8]]:
    reasons = list(problems)
    for row in range(len(reader)):
        try:
            return row, reader.read(row)[0]
        except InputError as error:
            reasons.append(f"{reader.place(row)}: {error}")
    raise InputError(f"{request.text}: " + (f"no example can be used; the first: {reasons[0]}" if reasons else "there are no examples"))


def _each(looking: _Looking, workers: int) -> Iterator[_Seen]:
    """Every example in order."""
    if not workers:
        return (looking[row] for row in range(len(looking)))
    loader = DataLoader(looking, batch_size=32, num_workers=workers, collate_fn=_as_it_is, generator=torch.Generator())
    return (one for batch in loader for one in batch)


def _as_it_is(batch: list[_Seen]) -> list[_Seen]:
    return batch


def _sizes(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


# --- a data set that streams


class _Batches(TorchDataset[Any]):
    """Whole batches of a reader, for worker processes: (inputs, labels), or the reason why one cannot be read any more."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def __getitem__(self, rows: Sequence[int]) -> tuple[Tensor, Tensor] | str:
        inputs, labels = [], []
        for row in rows:
            try:
                pixels, label = self.reader.read(row)
            except InputError as error:
                return f"{self.reader.place(row)}: {error}"
            inputs.append(pixels)
            labels.append(label)
        return torch.from_numpy(np.stack(inputs)), torch.from_numpy(np.stack([np.asarray(label) for label in labels]))


@dataclass(frozen=True)
class StreamedSplit(Split):
    """A split that is read while it is used.

    `inputs` tells shape and type only (a tensor on torch's meta device); so do `labels`, where they are label maps. `rows` (n,) are the
    examples' numbers in the reader; `counts` what `label_counts` gives; `digests` (n,) tell the examples from others.
    """

    reader: Reader
    rows: Rows
    counts: NDArray[np.int64]
    digests: NDArray[np.uint64]
    workers: int
    device: torch.device

    def to(self, device: torch.device) -> StreamedSplit:
        """The same examples, yielded on another device."""
        return replace(self, device=device)

    def batches(self, rows: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Raw inputs and labels for each vector of row numbers; several batches ahead are being read.

        Raises:
            InputError: an example cannot be read any more.
        """
        numbers = [self.rows[some.numpy()].tolist() for some in rows]
        loader = DataLoader(
            _Batches(self.reader),
            sampler=numbers,
            batch_size=None,
            num_workers=min(self.workers, len(numbers)),
            prefetch_factor=_AHEAD if self.workers else None,
            generator=torch.Generator(),  # not the global one: it would draw from it
        )
        for batch in loader:
            if isinstance(batch, str):
                raise InputError(f"{batch}; it could be read when the run began")
            yield batch[0].to(self.device, non_blocking=True), batch[1].to(self.device, non_blocking=True)

    def label_counts(self, classes: int) -> Tensor:
        """How often each class is a label: (classes,)."""
        return torch.from_numpy(self.counts[:classes].copy())

    def digest(self) -> Iterator[bytes]:
        """What tells these examples from others."""
        yield f"{tuple(self.inputs.shape)}".encode()
        yield self.digests.tobytes()


def streamed_dataset(
    request: Request,
    reader: Reader,
    found: Survey,
    labels: NDArray[np.int64] | None,
    rows: SplitRows,
    class_names: Sequence[str],
    *,
    task: TaskKind,
) -> Dataset:
    """A data set that streams from a reader; `labels` (n,) are the classes of the usable examples, None for label maps.

    `rows` count the usable examples.
    """
    workers = worker_count(request)

    def split(some: Rows) -> StreamedSplit:
        inputs = torch.empty((len(some), *found.shape), dtype=torch.uint8, device="meta")
        if labels is None:
            maps = torch.empty((len(some), *found.shape[1:]), dtype=torch.uint8, device="meta")
            counts = found.counts[some].sum(axis=0, dtype=np.int64)
        else:
            maps = torch.from_numpy(labels[some])
            counts = np.bincount(labels[some], minlength=len(class_names))
        return StreamedSplit(inputs, maps, reader, found.good[some], counts, found.digests[some], workers, torch.device("cpu"))

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
        task=task,
        ignore_label=IGNORED if labels is None else None,
        rows=rows,
        skipped=found.skipped,
    )
