"""The table of merges: a name in a graph file → how a node merges its inputs.

Adding a merge is one row here. Every stage goes by the row: reading checks the name,
profiling the shapes, and running, deploying and counting memory call the row's
function. Reading the table does not import torch: a function is imported when it is
first needed.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MergePart:
    """What one edge brings to a node.

    `value` is (k, …) for the node's rows `rows` (k,), or for all rows where that is
    None. `offset` is the first channel of the edge's slot.
    """

    value: Tensor
    rows: Tensor | None
    offset: int = 0


@dataclass(frozen=True)
class Place:
    """The node that a merge works for.

    It has `count` rows and `channels` channels. `present` (rows,) is the number of
    inputs of each row, None where every row has every part.
    """

    count: int
    present: Tensor | None
    channels: int


MergeFunction = Callable[[Sequence[MergePart], Place], "Tensor"]


@dataclass(frozen=True)
class Merge:
    """A row: what the merge does, and the code that does it.

    `code` is `module:function`. The function takes the parts that are present, at least
    one for each row of the node, and the node's place; it gives (rows, …). It must not
    look at values, so that it can be traced and run on the meta device. With `slots`
    each input has channels of its own and the channels add up; without, all inputs have
    one shape, which is the node's. `counts`: the function needs `Place.present`.
    """

    summary: str
    code: str
    slots: bool = False
    counts: bool = False

    @cached_property
    def function(self) -> MergeFunction:
        """The function of `code`; imports torch."""
        function: MergeFunction = pkgutil.resolve_name(self.code)
        return function


MERGES: dict[str, Merge] = {
    "sum": Merge("sum of the inputs present", "bsngraph.supernet.merges:merge_sum"),
    "mean": Merge("mean of the inputs present", "bsngraph.supernet.merges:merge_mean", counts=True),
    "max": Merge("elementwise maximum of the inputs present", "bsngraph.supernet.merges:merge_max"),
    "mul": Merge("elementwise product of the inputs present", "bsngraph.supernet.merges:merge_mul"),
    "concat": Merge(
        "each input in channels of its own, zeros where it is absent",
        "bsngraph.supernet.merges:merge_concat",
        slots=True,
    ),
}
