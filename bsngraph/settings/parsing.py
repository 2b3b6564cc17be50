"""Texts of the command line that stand for more than a number or a word: each function
turns one into values of fields, or raises a ValueError that says what it must be.
"""

from __future__ import annotations

from typing import Any


def parse_drops(text: str) -> dict[str, Any]:
    """`0.6,0.85`."""
    return {"drops": _numbers(text, "0.6,0.85")}


def parse_class_weights(text: str) -> dict[str, Any]:
    """`balanced`, or `1,1,2.5`."""
    return {"class_weights": text if text == "balanced" else _numbers(text, "balanced, or 1,1,2.5")}


def parse_penalty(text: str) -> dict[str, Any]:
    """`auto`, `auto:START`, or a number that λ keeps."""
    if text == "auto":
        return {"penalty": 1.0, "adapt_penalty": True}
    number = text.removeprefix("auto:")
    try:
        return {"penalty": float(number), "adapt_penalty": number != text}
    except ValueError:
        raise ValueError("must be auto, auto:1 to adapt it from there, or a number to keep, e.g. 3") from None


def _numbers(text: str, example: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(",") if number.strip())
    except ValueError:
        raise ValueError(f"must be numbers with commas between, e.g. {example}") from None
