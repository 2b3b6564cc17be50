"""Values as bytes, between processes of ours.

torch would put every tensor that goes through a queue into shared memory, of which
containers have little. Here tensors are copied, without the file format that torch
writes for each of them: states of networks have hundreds. What processes of one machine
share can have its large tensors and arrays in files of a folder instead, which all of
them map: so these are in memory once, however many processes there are.
"""

from __future__ import annotations

import io
import math
import pickle
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

from bsngraph.errors import InputError

# From how many bytes on a tensor or an array goes into a file.
_LARGE = 2**20


class CannotBeSentError(InputError):
    """A value that no other process can take over."""


class _Packer(pickle.Pickler):
    """Refuses what is defined in the script or notebook itself, as workers do not run
    it. Large tensors and arrays go into `folder`, if there is one.
    """

    def __init__(self, buffer: io.BytesIO, folder: Path | None) -> None:
        super().__init__(buffer, pickle.HIGHEST_PROTOCOL)
        self.folder, self.written = folder, 0

    def reducer_override(self, value: Any) -> Any:
        home = value if isinstance(value, (type, FunctionType)) else type(value)
        if home.__module__ == "__main__":
            raise CannotBeSentError(
                f"{home.__qualname__} is defined in the script itself, which no other process runs: put it "
                "into a module of its own and import it"
            )
        if self.folder is not None and _is_large_tensor(value):
            plain = value.detach().contiguous().flatten()
            plain.view(sys.modules["torch"].uint8).numpy().tofile(self._new_file())
            return _mapped_tensor, (self._last_file(), value.dtype, tuple(value.shape))
        if self.folder is not None and _is_large_array(value):
            value.tofile(self._new_file())
            return _mapped_array, (self._last_file(), value.dtype, value.shape)
        if _is_whole_tensor(value):
            return _tensor, (_bytes_of(value), value.dtype, tuple(value.shape), value.stride())
        return NotImplemented

    def _new_file(self) -> str:
        self.written += 1
        return self._last_file()

    def _last_file(self) -> str:
        return f"{self.folder}/{self.written}.bin"


def to_bytes(value: object, folder: Path | None = None) -> bytes:
    """The value as bytes, without the large tensors and arrays that go into `folder`.

    Raises:
        CannotBeSentError: it holds what is defined in the script itself, or what lives
            in this process alone, such as an open file; or the folder is full.
    """
    buffer = io.BytesIO()
    try:
        _Packer(buffer, folder).dump(value)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise CannotBeSentError(f"cannot be sent to another process: {error}") from error
    return buffer.getvalue()


def from_bytes(packed: bytes) -> Any:
    """What `to_bytes` was given; bytes of a process of ours, and never of a file."""
    return pickle.loads(packed)  # noqa: S301


def _is_large_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return (
        torch is not None
        and isinstance(value, torch.Tensor)
        and value.device.type == "cpu"
        and value.layout == torch.strided
        and value.numel() * value.element_size() >= _LARGE
    )


def _is_whole_tensor(value: Any) -> bool:
    """Whether a value is a tensor that has no more to it than all bytes of its storage,
    whatever their order.
    """
    torch = sys.modules.get("torch")
    return (
        torch is not None
        and type(value) is torch.Tensor
        and value.device.type == "cpu"
        and value.layout == torch.strided
        and not (value.requires_grad or value.is_conj() or value.is_neg())
        and 0 < value.numel() * value.element_size() == value.untyped_storage().nbytes()
    )


def _bytes_of(tensor: Any) -> bytearray:
    torch = sys.modules["torch"]
    return bytearray(torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage()).numpy())


def _tensor(content: bytearray, kind: Any, shape: tuple[int, ...], stride: tuple[int, ...]) -> Any:
    import torch

    return torch.frombuffer(content, dtype=kind).as_strided(shape, stride)


def _is_large_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return (
        numpy is not None
        and type(value) is numpy.ndarray
        and value.dtype.kind in "biufc"
        and value.nbytes >= _LARGE
    )


def _mapped_tensor(file: str, kind: Any, shape: tuple[int, ...]) -> Any:
    """A tensor whose values are read from a file when they are used."""
    import torch

    return torch.from_file(file, shared=False, size=math.prod(shape), dtype=kind).view(shape)


def _mapped_array(file: str, kind: Any, shape: tuple[int, ...]) -> Any:
    """An array whose values are read from a file when they are used."""
    import numpy

    return numpy.memmap(file, kind, "c", shape=shape).view(numpy.ndarray)
