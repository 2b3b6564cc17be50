"""What is asked of data that are given from Python: a name for records, and how splits
are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bsngraph.data.request import Notify, Request, silent
from bsngraph.data.splits import Part
from bsngraph.errors import InputError

PYTHON = "python"


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """How the splits that are not given are drawn: the share of the examples for the
    test, that of what remains for validation, and the seed. None is the usual share.
    `groups` has a value for each training example; examples of one value stay together.
    """

    test_share: float | None = None
    validation_share: float | None = None
    seed: int = 0
    groups: Any = None
    notify: Notify = field(default=silent)


def python_request(
    name: str, how: Drawing, given: Mapping[Part, object], options: Mapping[str, str] | None = None
) -> Request:
    """A request called `python:NAME`; `given` are the splits that the user has, None
    for those to be drawn.

    Raises:
        InputError: no name, a share that is none, or one for a split that is given.
    """
    if not isinstance(name, str) or not name or "," in name:
        raise InputError(f"name={name!r} must be a text without a comma, which tells these data from others")
    if not isinstance(how.seed, int) or isinstance(how.seed, bool):
        raise InputError(f"split_seed={how.seed!r} must be a whole number")
    shares: dict[Part, float] = {}
    asked: tuple[tuple[Part, float | None], ...] = (
        ("test", how.test_share),
        ("validation", how.validation_share),
    )
    for part, share in asked:
        if share is None:
            continue
        if given.get(part) is not None:
            raise InputError(f"{part}_share={share} has no meaning: the {part} split is given")
        if not isinstance(share, int | float) or not 0 < share < 1:
            raise InputError(f"{part}_share={share!r} must be a share of the examples between 0 and 1")
        shares[part] = share
    return Request(f"{PYTHON}:{name}", PYTHON, name, dict(options or {}), how.seed, how.notify, shares)
