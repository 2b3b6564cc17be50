"""Values as bytes, between processes of ours.

torch would put every tensor that goes through a queue into shared memory, of which
containers have little. As bytes it is copied.
"""

from __future__ import annotations

import io
import pickle
from types import FunctionType
from typing import Any

from bsngraph.errors import InputError


class CannotBeSentError(InputError):
    """A value that no other process can take over."""


class _Packer(pickle.Pickler):
    """Refuses what is defined in the script or notebook itself: workers do not run
    it.
    """

    def reducer_override(self, value: Any) -> Any:
        home = value if isinstance(value, (type, FunctionType)) else type(value)
        if home.__module__ == "__main__":
            raise CannotBeSentError(
                f"{home.__qualname__} is defined in the script itself, which no other process runs: put it "
                "into a module of its own and import it"
            )
        return NotImplemented


def to_bytes(value: object) -> bytes:
    """The value as bytes.

    Raises:
        CannotBeSentError: it holds what is defined in the script itself, or what lives
            in this process alone, such as an open file.
    """
    buffer = io.BytesIO()
    try:
        _Packer(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        raise CannotBeSentError(f"cannot be sent to another process: {error}") from error
    return buffer.getvalue()


def from_bytes(packed: bytes) -> Any:
    """What `to_bytes` was given; bytes of a process of ours, and never of a file."""
    return pickle.loads(packed)  # noqa: S301
