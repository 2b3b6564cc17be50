"""The table of data sets: a name on the command line → a `Dataset`. Adding one is one row and one loader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bsngraph.data.dataset import Dataset
from bsngraph.data.digits import load_digits
from bsngraph.errors import InputError, nearest


@dataclass(frozen=True)
class DataSource:
    """A row: what it is, and `load(argument, split_seed)`, where the argument is what follows a colon in the name."""

    summary: str
    load: Callable[[str, int], Dataset]
    takes_argument: bool = False


DATA_SOURCES: dict[str, DataSource] = {
    "digits": DataSource("1,797 handwritten digits, 8x8 grey (scikit-learn's, UCI Optical Recognition)", load_digits),
}


def load_data(name: str, *, split_seed: int = 0) -> Dataset:
    """The data set called `name`, split with `split_seed`: the same splits for every search that names it.

    Raises:
        InputError: there is no such data set, or it is not here.
    """
    kind, colon, argument = name.partition(":")
    if kind not in DATA_SOURCES:
        raise InputError(f"there is no data set {name!r}: {nearest(kind, DATA_SOURCES)}")
    source = DATA_SOURCES[kind]
    if colon and not source.takes_argument:
        raise InputError(f"data set {kind!r} takes nothing after a colon: write --data {kind}")
    return source.load(argument, split_seed)
