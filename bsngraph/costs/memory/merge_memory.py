"""What merging a node's inputs allocates, counted on the merge's own function.

In: a row of the table of merges, the shape of one example, a number of inputs. Out:
bytes. The function runs on the meta device, so that a new merge needs no formula.
"""

from __future__ import annotations

from functools import lru_cache

from bsngraph.ops import Shape
from bsngraph.ops.merges import Merge, MergePart, Place

# So many inputs are counted; each further one adds what the last of these did.
MOST_COUNTED = 8


@lru_cache(maxsize=4096)
def merge_memory(merge: Merge, shape: Shape, count: int) -> tuple[int, int]:
    """The peak while `count` inputs of `shape` are merged, and the bytes of the result.

    Both are of one float32 example. The peak counts tensors alive at once, beside the
    inputs. Both numbers are 0 where the result is an input itself.
    """
    import torch

    from bsngraph.ops.counting.allocations import measuring

    with torch.no_grad():
        inputs = [torch.empty(1, *shape, dtype=torch.float32, device="meta") for _ in range(count)]
        with measuring() as usage:
            value = merge.function([MergePart(part, None) for part in inputs], Place(1, None, shape[0]))
    return usage.peak, usage.held_by(value)
