"""What is wrong with settings: every field against its type and its limits, all at
once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsngraph.errors import InputError
from bsngraph.settings.kinds import is_of_kind, kind_in_words
from bsngraph.settings.setting import Setting, setting_rows

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

INFINITY = float("inf")
_MOST = 2**31 - 1  # of a whole number: torch counts examples and steps no further everywhere


def check_settings(settings: DataclassInstance, *also: str) -> None:
    """Refuse settings that are wrong, with every reason; `also` are those of their own
    that fields together give.

    Raises:
        InputError: `epochs=0 must be at least 1; …`.
    """
    problems = [
        f"{row.word}={_text(value)} must {problem}"
        for row in setting_rows(type(settings))
        if (problem := _problem(value := getattr(settings, row.name), row.kind, row.says))
    ]
    if problems or also:
        raise InputError("; ".join([*problems, *also]))


def _problem(value: object, kind: Any, says: Setting) -> str | None:
    """What a value must be and is not."""
    if not is_of_kind(value, kind):
        return f"be {kind_in_words(kind)}"
    numbers = value if isinstance(value, tuple) else (value,)
    if all(_within(number, says) for number in numbers if is_of_kind(number, float)):
        too_large = isinstance(value, int) and value > _MOST and not is_of_kind(0.5, kind)
        return f"be at most {_MOST}" if too_large else None
    return (says.must or _limits(kind, says)) + (f": {says.why}" if says.why else "")


def _within(number: float, says: Setting) -> bool:
    return (
        -INFINITY < number < INFINITY or (number == INFINITY and says.at_most == INFINITY)  # which NaN is not
    ) and (
        (says.at_least is None or number >= says.at_least)
        and (says.above is None or number > says.above)
        and (says.at_most is None or number <= says.at_most)
        and (says.below is None or number < says.below)
    )


def _limits(kind: Any, says: Setting) -> str:
    """The limits of a number in words."""
    top = says.at_most if says.at_most is not None else says.below
    finite = ["a finite number"] if kind is float and top is None else []
    if says.at_least == 0 and top is None:
        return f"be {finite[0]}, not negative" if finite else "not be negative"
    words = {
        "at least": says.at_least,
        "greater than": says.above,
        "at most": None if says.at_most == INFINITY else says.at_most,
        "less than": says.below,
    }
    limits = " and ".join(f"{word} {limit:g}" for word, limit in words.items() if limit is not None)
    return f"be {', '.join([*finite, limits])}"


def _text(value: object) -> str:
    """A value as an option has it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value) if isinstance(value, str) else repr(value)
