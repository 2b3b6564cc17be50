"""The processes that share one training, as each of them sees the others.

A batch is so many shards; each process has as many of them, one after the other, as
every other. What shards found is handed over in their order, so that a sum over it has
the same bits on any number of processes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch import distributed as dist

from bsngraph.errors import RunFailedError

_Value = TypeVar("_Value")


class PeerLostError(RunFailedError):
    """Another process of the same training ended before this one."""


@dataclass(frozen=True, eq=False)
class PeerGroups:
    """The groups of processes: `steps` is for tensors on the device, with a time-out;
    in `turns` all wait for the first process, for as long as it takes.
    """

    steps: dist.ProcessGroup
    turns: dist.ProcessGroup


@dataclass(frozen=True, eq=False)
class Team:
    """This process, `rank` of `size`; alone there are no groups."""

    rank: int = 0
    size: int = 1
    groups: PeerGroups | None = None

    @property
    def first(self) -> bool:
        """Whether this is the process that writes, measures and chooses."""
        return self.rank == 0

    def own(self, shards: int) -> range:
        """The shards of this process; their number divides by that of processes."""
        each = shards // self.size
        return range(self.rank * each, (self.rank + 1) * each)

    def gathered(self, own: Tensor) -> Tensor:
        """Rows of this process's shards (own shards, …) → those of all (shards, …).

        Raises:
            PeerLostError: another process ended.
        """
        if self.groups is None:
            return own
        every = own.new_empty(len(own) * self.size, *own.shape[1:])
        with _peers():
            dist.all_gather(list(every.chunk(self.size)), own, group=self.groups.steps)
        return every

    def summed(self, own: Tensor) -> Tensor:
        """The sum over processes of a tensor, which is replaced.

        Its last bits depend on their number.

        Raises:
            PeerLostError: another process ended.
        """
        if self.groups is not None:
            with _peers():
                dist.all_reduce(own, group=self.groups.steps)
        return own

    def to_first(self, own: Sequence[_Value]) -> list[_Value]:
        """What this process's shards have; in the first process what all have, in the
        order of shards, with tensors on the CPU. Others get an empty list.

        Raises:
            PeerLostError: another process ended.
        """
        if self.groups is None:
            return list(own)
        every: list[Any] | None = [None] * self.size if self.first else None
        with _peers():
            dist.gather_object(_packed(list(own)), every, dst=0, group=self.groups.turns)
        return [value for packed in every or () for value in _unpacked(packed)]

    def from_first(self, value: object = None) -> Any:
        """What the first process gives.

        The others wait for it as long as it takes, and get its tensors on the CPU.

        Raises:
            PeerLostError: another process ended.
        """
        if self.groups is None:
            return value
        sent = [_packed(value) if self.first else None]
        with _peers():
            dist.broadcast_object_list(sent, src=0, group=self.groups.turns)
        return value if self.first else _unpacked(cast(bytes, sent[0]))


#: A training in this process alone.
ALONE = Team()


@contextmanager
def _peers() -> Iterator[None]:
    """What torch raises where a process is lost, in our words."""
    try:
        yield
    except RuntimeError as error:
        raise PeerLostError(
            "another process of this search ended, or did not answer: its own last words say why, and "
            "--resume goes on from the last epoch"
        ) from error


def _packed(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def _unpacked(packed: bytes) -> Any:
    # from another process of this very search, which runs the same code
    return torch.load(io.BytesIO(packed), map_location="cpu", weights_only=False)
