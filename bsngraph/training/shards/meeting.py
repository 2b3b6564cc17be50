"""How the processes of one training meet, and part again."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from torch import distributed as dist

from bsngraph.errors import InputError, RunFailedError
from bsngraph.parallel.launch import Launch
from bsngraph.training.shards.team import ALONE, PeerGroups, Team

# To come together; to answer in a step; and while the first process measures, chooses
# or trains finalists, in which time the others only notice that it is gone.
_MEET, _STEP, _TURN = timedelta(seconds=60), timedelta(minutes=10), timedelta(days=30)

_MEETINGS = itertools.count()


@contextmanager
def team_of(launch: Launch, device: torch.device) -> Iterator[Team]:
    """The processes that were started together, as long as they need each other.

    A process group of the user's stays as it is: theirs are made beside it.

    Raises:
        InputError: torch was built without process groups, or the user's has another
            size.
        RunFailedError: the others did not come within a minute.
    """
    if launch.size == 1:
        yield ALONE
        return
    if not dist.is_available():
        raise InputError("this build of torch has no process groups: start one process, without torchrun")
    theirs = dist.is_initialized()
    if theirs and dist.get_world_size() != launch.size:
        raise InputError(
            f"the process group has {dist.get_world_size()} processes and torchrun started {launch.size}: "
            "let all of them take part"
        )
    try:
        if not theirs:
            _meet(launch)
        backend = "nccl" if device.type == "cuda" else "gloo"
        steps, turns = (
            dist.new_group(backend=how, timeout=time) for how, time in ((backend, _STEP), ("gloo", _TURN))
        )
    except RuntimeError as error:
        raise RunFailedError(
            f"the {launch.size} processes of this search did not meet at {launch.host}:{launch.port} "
            f"({str(error).strip().splitlines()[0]}): start them together, with torchrun"
        ) from None
    try:
        yield Team(dist.get_rank(), launch.size, PeerGroups(steps, turns))
    finally:
        for group in (steps, turns) if theirs else (None,):
            dist.destroy_process_group(group)


def has_begun(launch: Launch, what: str) -> bool:
    """Whether an attempt before this one had begun `what`; only torchrun tells."""
    return launch.attempt > 0 and launch.agent_listens and bool(_board(launch).check([_key(what)]))


def tell_begun(launch: Launch, what: str) -> None:
    """Tell later attempts that `what` has begun."""
    if launch.agent_listens:
        _board(launch).set(_key(what), "begun")


def _key(what: str) -> str:
    return f"bsngraph/begun/{what}"


def _meet(launch: Launch) -> None:
    """Start the process group. The store still holds the keys of those that met before,
    in another attempt or in this one, so each meeting has keys of its own.
    """
    store = _stores().PrefixStore(f"bsngraph/attempt_{launch.attempt}/{next(_MEETINGS)}", _board(launch))
    dist.init_process_group("gloo", store=store, rank=launch.rank, world_size=launch.size, timeout=_MEET)


def _stores() -> Any:
    """What torch calls its key-value stores: a build without process groups lacks them,
    and its types do not name them.
    """
    return dist


@functools.cache
def _board(launch: Launch) -> Any:
    """The key-value store where all meet, which torchrun keeps over restarts; without
    it the first process holds the store until its end.
    """
    listens = launch.first and not launch.agent_listens
    return _stores().TCPStore(launch.host, launch.port, launch.size, listens, timeout=_MEET)
