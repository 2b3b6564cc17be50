"""Why an operation is refused, in words: what is wrong with it, and the cure."""

from __future__ import annotations

import importlib.util
import sysconfig
import traceback
from pathlib import Path

_TORCH = importlib.util.find_spec("torch")
_LIBRARIES = (
    "<",
    str(Path(__file__).parents[1]),
    sysconfig.get_path("stdlib"),
    *((_TORCH.submodule_search_locations if _TORCH else None) or ()),
)


class OperationRefusedError(ValueError):
    """An operation that would break a search or the network it delivers.

    `cure` says what to change; None where that depends on its arguments and input.
    """

    def __init__(self, what: str, cure: str | None = None) -> None:
        super().__init__(what)
        self.cure = cure


def words_of(error: BaseException) -> str:
    """The first line of an error, and the place in the user's code that it comes from.

    The kind of error is added if it is not torch's.
    """
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    text = first if isinstance(error, RuntimeError | ValueError) else f"{type(error).__name__}: {first}"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_LIBRARIES)
    ]
    return f"{text}; {frames[-1].filename}, line {frames[-1].lineno}" if frames else text


def kind_of(value: object) -> str:
    """What a value is that should have been something else."""
    return f"a value of type {type(value).__name__}" if value is not None else "nothing"
