"""config.json: what a run was asked for, with every setting and version.

One struct for each command that makes a run; `command` says which it is. A field that
they do not have is refused: it would be a setting of another version, which this one
could not keep.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from bsngraph.costs.budgets import Relation
from bsngraph.settings import Recipe, SearchSettings
from bsngraph.typed_files import Finite, Number, Positive, Row, Sha256

Threads = Annotated[int, msgspec.Meta(ge=1, le=4096)]
Examples = Annotated[int, msgspec.Meta(ge=1, le=65_536)]
Seed = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class SplitSizes(Row, frozen=True, kw_only=True):
    """How many examples each split has."""

    train: Number
    validation: Number
    test: Number


class DataFacts(Row, frozen=True, kw_only=True, omit_defaults=True):
    """The data set: its name as the command line takes it, its task, the mean and the
    standard deviation of each channel, a hash of all examples, and the names of its
    features if they have any.
    """

    name: str
    task: str
    ignore_label: int | None
    classes: tuple[str, ...]
    mean: tuple[Finite, ...]
    std: tuple[Positive, ...]
    fingerprint: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    examples: SplitSizes
    features: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std):
            raise ValueError("mean and std are of different numbers of channels")


class AskedBudget(Row, frozen=True, kw_only=True, omit_defaults=True):
    """A budget as it was written, and its limit in the unit of its cost; of a range the
    upper end, and `least` is the lower one.
    """

    text: str
    cost: str
    relation: Relation
    limit: Positive
    least: Positive | None = None

    def __post_init__(self) -> None:
        if self.least is not None and not self.least < self.limit:
            raise ValueError("a range ends below its beginning")


class AskedCosts(Row, frozen=True, kw_only=True, omit_defaults=True):
    """Where costs come from: texts NAME=FILE.py:FUNCTION, the seconds that a call of
    them may take, the examples at once when latency is measured, and the SHA-256 of a
    file of latencies.
    """

    own: tuple[str, ...]
    timeout_s: Positive
    latency_batch: Examples
    latencies: Sha256 | None = None


class RunConfig(Row, frozen=True, kw_only=True, omit_defaults=True, tag_field="command"):
    """What every run was asked for. `weights` is the SHA-256 of a file of weights that
    it began with.
    """

    fabric: str
    data: DataFacts
    budgets: tuple[AskedBudget, ...]
    costs: AskedCosts
    recipe: Recipe
    settings: SearchSettings
    seed: Seed
    device: str
    threads: Threads
    versions: dict[str, str]
    weights: Sha256 | None = None

    @property
    def command(self) -> str:
        """The command of the run, as config.json names it."""
        return str(self.__struct_config__.tag)


class WarmStartRecord(Row, frozen=True, kw_only=True):
    """The run that a search started from, and the SHA-256 of its checkpoint."""

    path: str
    sha256: Sha256


class SearchConfig(RunConfig, frozen=True, kw_only=True, tag="search"):
    """`bsngraph search`."""

    preset: str | None
    warm_start: WarmStartRecord | None
    oracle: bool


class PruneConfig(RunConfig, frozen=True, kw_only=True, tag="prune"):
    """`bsngraph prune`, and the search that it chose from."""

    chosen_from: SearchConfig


class TrainConfig(RunConfig, frozen=True, kw_only=True, tag="train"):
    """`bsngraph train`."""


AnyConfig = SearchConfig | PruneConfig | TrainConfig
