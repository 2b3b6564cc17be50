"""Reading examples one at a time: a `Reader` gives any of its examples by number,
`survey` reads all of them once.

In: a reader. Out: a `Survey`, before anything is trained: which examples can be used
and what is wrong with the others, statistics, and the examples themselves if they fit
into memory.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from bsngraph.data.reading.digests import Digests, input_digests, label_digests
from bsngraph.data.reading.making import IGNORED
from bsngraph.data.reading.unusable import NeedsConversionError, check_one_form, first_of, report_bad
from bsngraph.data.request import ReadingMeter, Request
from bsngraph.data.splits import Rows
from bsngraph.errors import InputError

MEMORY = 2_000_000_000
"""Bytes of pixels above which a set streams, unless its name says `memory=…`."""
_MOST_WORKERS = 256


class Example(NamedTuple):
    """Pixels (channels, height, width), and a class or a label map (height, width);
    `remark` is what a reader should know of it.
    """

    pixels: NDArray[np.uint8]
    label: NDArray[np.uint8] | int
    remark: str = ""


class Reader(Protocol):
    """Examples by number. They must survive pickling: worker processes get a copy."""

    def __len__(self) -> int: ...

    def place(self, row: int) -> str:
        """What an error calls an example: its file."""

    def read(self, row: int) -> Example:
        """Decode an example; raises InputError with the reason why it cannot be used,
        NeedsConversionError if it is a good one of another form.
        """


@dataclass(frozen=True)
class Survey:
    """What reading every example once has shown; arrays are by example.

    `good`: the numbers of the usable ones; the other arrays are for these. `pixels` and
    `maps` hold the examples if they fit into memory, else None. `sums` (n,
    channels, 2): of the pixels and of their squares. `counts` (n, 256): how many pixels
    have a label. `digests` (n, 2): hashes of the pixels and of the label map, 0 without
    one.
    """

    good: Rows
    skipped: tuple[str, ...]
    shape: tuple[int, int, int]
    pixels: NDArray[np.uint8] | None
    maps: NDArray[np.uint8] | None
    sums: NDArray[np.float64]
    counts: NDArray[np.uint32]
    digests: Digests

    def only(self, rows: Rows) -> Survey:
        """Of these of the usable examples alone."""
        pixels = None if self.pixels is None else self.pixels[rows]
        maps = None if self.maps is None else self.maps[rows]
        return Survey(
            self.good[rows],
            self.skipped,
            self.shape,
            pixels,
            maps,
            self.sums[rows],
            self.counts[rows],
            self.digests[rows],
        )


@dataclass(frozen=True)
class _Seen:
    """One example as the survey keeps it: the reason why it cannot be used, or its
    pixels or only their statistics. `good`: it cannot be used only as it is.
    """

    reason: str = ""
    good: bool = True
    remark: str = ""
    shape: tuple[int, ...] = ()
    example: Example | None = None
    sums: NDArray[np.float64] | None = None
    counts: NDArray[np.uint32] | None = None
    digest: tuple[int, int] = (0, 0)


class _Looking(TorchDataset[_Seen]):
    """A reader's examples as `_Seen`, for worker processes."""

    def __init__(self, reader: Reader, *, keep: bool) -> None:
        self.reader, self.keep = reader, keep

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, row: int) -> _Seen:
        try:
            pixels, label, remark = found = self.reader.read(row)
        except InputError as error:
            return _Seen(reason=str(error), good=isinstance(error, NeedsConversionError))
        flat = pixels.reshape(len(pixels), -1)
        squares = np.einsum("cp,cp->c", flat, flat, dtype=np.float64)
        counts = np.bincount(label.ravel(), minlength=256) if isinstance(label, np.ndarray) else np.zeros(0)
        return _Seen(
            remark=remark,
            shape=pixels.shape,
            example=found if self.keep else None,
            sums=np.stack([flat.sum(1, dtype=np.float64), squares], axis=1),
            counts=counts.astype(np.uint32),
            digest=_digest(pixels, label),
        )


def _digest(pixels: NDArray[np.uint8], label: NDArray[np.uint8] | int) -> tuple[int, int]:
    of_map = int(label_digests(label[None])[0]) if isinstance(label, np.ndarray) else 0
    return int(input_digests(pixels[None])[0]), of_map


def survey(reader: Reader, request: Request, problems: Sequence[str] = (), aside: int = 0) -> Survey:
    """Read every example once. `problems` are what is known to be wrong already;
    `aside` of them are about other things than examples.

    The options of the name say where memory ends (`memory`) and how many processes read
    beyond it (`workers`). Remarks on examples go to `notify`.

    Raises:
        InputError: examples differ in shape: their shapes are named. Or one cannot be
            used: all of them are counted, the first few named. With `bad=skip` these
            are left out, with a line to `notify`, if half or more remain.
    """
    sample, workers = _first_good(reader, request, problems), worker_count(request)
    keep = sample.size * len(reader) <= request.bytes("memory", MEMORY)
    meter = ReadingMeter(f"{request.text}: reading", len(reader), request.notify)
    pixels = np.empty((len(reader), *sample.shape), dtype=np.uint8) if keep else None
    maps: list[NDArray[np.uint8]] = []
    good: list[int] = []
    bad, unlike, remarks = list(problems), list[str](), list[str]()
    seen: list[_Seen] = []
    for row, one in enumerate(_each(_Looking(reader, keep=keep), 0 if keep else workers)):
        meter.at(row)
        if one.reason:
            (unlike if one.good else bad).append(f"{reader.place(row)}: {one.reason}")
            continue
        if one.remark:
            remarks.append(f"{reader.place(row)}: {one.remark}")
        if pixels is not None and one.example is not None and one.shape == sample.shape:
            pixels[len(good)] = one.example.pixels
            maps += [one.example.label] if isinstance(one.example.label, np.ndarray) else []
        good.append(row)
        seen.append(replace(one, example=None))
    check_one_form(request, [one.shape for one in seen], [reader.place(row) for row in good], unlike, bad)
    report_bad(request, bad, len(good), aside=aside)
    if remarks:
        request.notify(
            f"{request.text}: look at {len(remarks)} of {len(good)} examples:\n{first_of(remarks)}"
        )
    return Survey(
        good=np.array(good, dtype=np.int64),
        skipped=tuple(bad),
        shape=(sample.shape[0], sample.shape[1], sample.shape[2]),
        pixels=None if pixels is None else pixels[: len(good)],
        maps=np.stack(maps) if maps else None,
        sums=np.stack([one.sums for one in seen if one.sums is not None]),
        counts=np.stack([one.counts for one in seen if one.counts is not None]),
        digests=np.array([one.digest for one in seen], dtype=np.uint64),
    )


def numbered_classes(request: Request, found: Survey) -> tuple[str, ...]:
    """As many classes as label maps have labels, or as the name's `classes` says.

    Raises:
        InputError: labels beyond them, labels with gaps, or one class only.
    """
    used = np.flatnonzero(found.counts[:, :IGNORED].sum(axis=0))
    highest, count = int(used.max(initial=0)), request.number("classes", least=2)
    if count is None and highest == 0:
        cure = "say binary=yes if everything but 0 is one class, or classes=N"
        raise InputError(
            f"{request.text}: the masks hold only 0, and {IGNORED}, which marks ignored pixels: {cure}"
        )
    if count is None and len(used) <= highest:
        absent = int(np.setdiff1d(np.arange(highest), used)[0])
        cure = (
            f"number classes from 0 without gaps, say classes={highest + 1}, or binary=yes if "
            "everything but 0 is one class"
        )
        raise InputError(f"{request.text}: the masks have the label {highest} but never {absent}: {cure}")
    if count is not None and highest >= count:
        raise InputError(f"{request.text}: a mask has the label {highest}, but labels are 0 to {count - 1}")
    return tuple(str(one) for one in range(count or highest + 1))


def worker_count(request: Request) -> int:
    """How many processes read: `workers=N` of the name, else one for each core, four at
    most.

    Raises:
        InputError: more are asked for than read faster than a few.
    """
    count = request.number("workers", min(os.cpu_count() or 1, 4), least=0)
    assert count is not None, "there is a default"
    if count > _MOST_WORKERS:
        raise InputError(f"{request.text}: workers={count} must be {_MOST_WORKERS} at most")
    return count


def loaded_by(workers: int, dataset: TorchDataset[Any], **more: Any) -> Iterator[Any]:
    """What torch's DataLoader gives with so many processes. Whether these are more than
    the machine has cores is the business of who asked for them, and draws no warning.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="This DataLoader will create")
        # a generator of its own: it would draw from the global one
        return iter(DataLoader(dataset, num_workers=workers, generator=torch.Generator(), **more))


def _first_good(reader: Reader, request: Request, problems: Sequence[str]) -> NDArray[np.uint8]:
    """The pixels of the first usable example."""
    reasons = list(problems)
    for row in range(len(reader)):
        try:
            return reader.read(row).pixels
        except InputError as error:
            reasons.append(f"{reader.place(row)}: {error}")
    raise InputError(
        f"{request.text}: "
        + (f"no example can be used; the first: {reasons[0]}" if reasons else "there are no examples")
    )


def _each(looking: _Looking, workers: int) -> Iterator[_Seen]:
    """Every example in order."""
    if not workers:
        return (looking[row] for row in range(len(looking)))
    batches = loaded_by(workers, looking, batch_size=32, collate_fn=_as_it_is)
    return (one for batch in batches for one in batch)


def _as_it_is(batch: list[_Seen]) -> list[_Seen]:
    return batch
