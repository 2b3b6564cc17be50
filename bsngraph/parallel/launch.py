"""Which of the processes of one search this process is: what torchrun, or whoever
starts them, says in the environment. No torch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from bsngraph.errors import InputError
from bsngraph.parallel.engines import inside_worker

_NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_MOST = 2**16


@dataclass(frozen=True)
class Launch:
    """The place of a process among `size` of them that were started together.

    `local_rank` is its number among the `local_size` on its machine, `attempt` how
    often all were started again. They meet at `host` and `port`; `agent_listens` says
    that the process which started them waits there already.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    attempt: int = 0
    host: str = ""
    port: int = 0
    agent_listens: bool = False

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0


def launch_here() -> Launch:
    """The place that the environment gives this process; alone without one, and in a
    worker of `bsngraph.parallel`, which has the environment of another process.

    Raises:
        InputError: a variable of torchrun's is no number.
    """
    if inside_worker() or not all(os.environ.get(name) for name in _NEEDED):
        return Launch()
    size = _number("WORLD_SIZE", 1, _MOST)
    return Launch(
        rank=_number("RANK", 0, size - 1),
        size=size,
        local_rank=_number("LOCAL_RANK", 0, size - 1),
        local_size=_number("LOCAL_WORLD_SIZE", 1, size),
        attempt=_number("TORCHELASTIC_RESTART_COUNT", 0, _MOST),
        host=os.environ["MASTER_ADDR"],
        port=_number("MASTER_PORT", 1, _MOST - 1),
        agent_listens=os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True",
    )


def _number(name: str, least: int, most: int) -> int:
    text = os.environ.get(name, str(least))
    if not (text.isdecimal() and least <= int(text) <= most):
        raise InputError(
            f"the environment variable {name} is {text!r}, and must be a number from {least} to {most}: "
            "start the processes with torchrun"
        )
    return int(text)
