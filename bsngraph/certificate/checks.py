"""The nouns of a verification: one statement with what was found, and all of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from bsngraph.certificate.certificate import ROUNDING
from bsngraph.errors import InputError

_T = TypeVar("_T")

_SHOWN = 16


@dataclass(frozen=True)
class Check:
    """One statement: what the certificate says, what was found, and whether they agree
    (None: it can only be stated).
    """

    name: str
    expected: str
    found: str
    ok: bool | None


@dataclass(frozen=True)
class Verification:
    """All checks of a certificate."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether none failed."""
        return all(check.ok is not False for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        return {"ok": self.ok, "checks": [asdict(check) for check in self.checks]}


def told(value: object) -> str:
    """A value as people read it: `534,144`, `yes`, `1,150, 287, 360`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,.10g}"
    if isinstance(value, tuple | list):
        separator = "; " if any(isinstance(each, tuple | list) for each in value) else ", "
        return separator.join(map(told, value)) or "none"
    return str(value)


def agreement(name: str, stated: str, found: str) -> Check:
    """Of two hashes."""
    return Check(name, stated[:_SHOWN], found[:_SHOWN], stated == found)


def equal(one: float, other: float) -> bool:
    """To the rounding of a sum."""
    return math.isclose(one, other, rel_tol=ROUNDING, abs_tol=ROUNDING)


def attempted(name: str, expected: str, read: Callable[[], _T]) -> _T | Check:
    """What `read` gives, or the failed check of a file that cannot be read."""
    try:
        return read()
    except InputError as error:
        return Check(name, expected, str(error), False)
