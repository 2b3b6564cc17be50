"""Whether an export answers what the run's network answers, on made-up raw batches of
1, 2 and 7 examples.
"""

from __future__ import annotations

import numpy as np

from bsngraph.exporting.engine import Arrays, Engine, RawBatch, as_batch
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.proof.export_record import ParityRow
from bsngraph.exporting.raw_network import RawInput
from bsngraph.ops import Shape
from bsngraph.tasks.answers import PROBABILITIES

BATCHES = (1, 2, 7)
TOLERANCE = 1e-5
"""Of the largest absolute value of an output."""


def parity(package: ExportPackage, reference: Engine, exported: Engine) -> tuple[ParityRow, ...]:
    """A row for each batch."""
    return tuple(_row(package, reference, exported, batch) for batch in BATCHES)


def made_up(package: ExportPackage, count: int) -> RawBatch:
    """Raw examples as they could be: normal in each channel, inside the range of values
    where that is known; the same each time.
    """
    generator = np.random.default_rng(count)
    return as_batch({each.name: _values(package, each, count, generator) for each in package.network.inputs})


def _values(package: ExportPackage, of: RawInput, count: int, generator: np.random.Generator) -> Arrays:
    mean, std = package.network.mean.numpy(), package.network.std.numpy()
    values = generator.standard_normal((count, *of.shape)) * std + mean
    kind = np.dtype(of.dtype)
    low, high = of.low, of.high
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        low, high = limits.min if low is None else low, limits.max if high is None else high
        values = values.round()
    raw: Arrays = np.clip(values, low, high).astype(kind)
    return raw


def _row(package: ExportPackage, reference: Engine, exported: Engine, batch: int) -> ParityRow:
    values = made_up(package, batch)
    wanted, found = reference.run(values), exported.run(values)
    outputs = package.network.outputs
    shapes_fit = all(_fits(found.get(each.name), (batch, *each.shape), each.dtype) for each in outputs)
    if not shapes_fit:
        return ParityRow(batch=batch, difference=1.0, others=batch, ties=0)
    difference, others, ties = 0.0, 0, 0
    for each in outputs:
        want, have = wanted[each.name], found[each.name]
        if want.dtype.kind == "f":
            difference = max(difference, _difference(want, have))
            continue
        probabilities = next(
            (wanted[one.name] for one in outputs if (one.target, one.holds) == (each.target, PROBABILITIES)),
            None,
        )
        differ = want != have
        others += int(differ.sum())
        if probabilities is not None:
            ties += int((differ & _undecided(probabilities, have)).sum())
    return ParityRow(batch=batch, difference=difference, others=others, ties=ties)


def _fits(values: Arrays | None, shape: Shape, dtype: str) -> bool:
    return values is not None and values.shape == shape and values.dtype == np.dtype(dtype)


def _difference(want: Arrays, have: Arrays) -> float:
    """The largest difference as a share of the largest value; 1 where one is not
    finite.
    """
    largest, apart = np.abs(want).max(), np.abs(want - have).max()
    if not np.isfinite(largest) or not np.isfinite(apart):
        return 1.0
    return float(apart / largest) if largest else float(apart)


def _undecided(probabilities: Arrays, have: Arrays) -> Arrays:
    """Where what the export says is as probable as what the run's network says, to
    rounding: classes (batch, …) of (batch, classes, …), or decisions (batch, classes).
    """
    if have.dtype == np.bool_:
        return np.abs(probabilities - 0.5) <= TOLERANCE
    known = have.clip(0, probabilities.shape[1] - 1)
    said = np.take_along_axis(probabilities, np.expand_dims(known, 1), axis=1)[:, 0]
    undecided: Arrays = (probabilities.max(axis=1) - said <= TOLERANCE) & (known == have)
    return undecided
