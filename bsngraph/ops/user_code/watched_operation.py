"""A user's operation while it runs in a network: what it does wrong there is told.

It was tried out before it was accepted, on numbers of our own. What it does to others,
later in a search, is seen here: an error of its own, a result of another type or shape,
a change of what other edges read.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bsngraph.errors import BsngraphError, RunFailedError
from bsngraph.ops.signature import Shape
from bsngraph.ops.user_code.refusal import kind_of, words_of
from bsngraph.wording import shape_text


@dataclass(frozen=True)
class WatchedOperation:
    """Runs the module of an edge, `edge` being its name and its operation. The result
    of one example is of `shape`.
    """

    edge: str
    module: nn.Module
    shape: Shape

    def __call__(self, x: Tensor) -> Tensor:
        """The module's result on a batch.

        Raises:
            RunFailedError: it fails, gives no such result, or changes its input.
        """
        version = None if x.is_inference() else x._version
        try:
            result = self.module(x)
        except (BsngraphError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            raise self._failed(f"fails ({words_of(error)})") from error
        if not isinstance(result, Tensor):
            raise self._failed(f"gives {kind_of(result)} and not a tensor")
        wanted = (len(x), *self.shape)
        if tuple(result.shape) != wanted:
            given = shape_text(tuple(result.shape))
            raise self._failed(f"gives {given} and not {shape_text(wanted)} for a batch of {len(x)}")
        if result.dtype != x.dtype:
            raise self._failed(f"gives {result.dtype} for an input of {x.dtype}")
        if version is not None and x._version != version:
            raise self._failed("changes its input in place, which other edges read")
        return result

    def _failed(self, what: str) -> RunFailedError:
        return RunFailedError(
            f"edge {self.edge} {what}, though not when it was tried out: mend the operation, then go on by "
            "--resume"
        )
