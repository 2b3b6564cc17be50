"""What an export in 8 bits says of its quantisation, in its file and in export.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from bsngraph.typed_files import Finite, Number, Row, decode_row, plain

INT8 = "int8"
"""The key in the metadata of an ONNX file."""

Granularity = Literal["per tensor", "per channel"]
GRANULARITIES: tuple[Granularity, ...] = ("per tensor", "per channel")


class Int8Row(Row, frozen=True, kw_only=True):
    """One scale for each tensor of weights, or one for each of its channels: which of
    both was kept, and the task's metric on validation data in float and of each.
    `calibrated_on`: how many training examples gave the ranges of activations.
    """

    granularity: Granularity
    calibrated_on: Number
    metric: str
    before: Finite
    after: dict[Granularity, Finite]

    def text(self) -> str:
        """As metadata of a file."""
        return json.dumps(plain(self), ensure_ascii=False)


def int8_of(metadata: Mapping[str, str], origin: str) -> Int8Row | None:
    """What a file's metadata says of its quantisation; None if it is in float.

    Raises:
        InputError: it is damaged.
    """
    if INT8 not in metadata:
        return None
    return decode_row(metadata[INT8].encode("utf-8"), Int8Row, f"{origin}, $.{INT8}")
