"""What cannot be used of a data source: bad examples, which may be left out, and good
ones that only an option of the data set's name makes alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bsngraph.data.request import Request
from bsngraph.errors import InputError
from bsngraph.wording import shape_text

LEAST_USABLE = 0.5
"""The share of examples that must be usable. With fewer, the data are others than
meant, and leaving out the rest would hide that.
"""
_MOST_TOLD = 5


class NeedsConversionError(InputError):
    """A good image of another form than it must have: an option converts it, and
    nothing leaves it out.
    """


def report_bad(
    request: Request, bad: Sequence[str], usable: int, what: str = "examples", *, aside: int = 0
) -> None:
    """Say what cannot be used: an error, or a warning if it is to be skipped.

    `bad` are the reasons, `usable` counts the others. `aside` of the bad ones are no
    examples at all, and do not count for the share that must be usable.

    Raises:
        InputError: something cannot be used, and is not to be skipped; or too little
            can be used.
    """
    skip = request.skip_bad
    if not bad:
        return
    total, listed = len(bad) + usable, first_of(bad)
    if not skip:
        raise InputError(
            f"{request.text}: {len(bad)} of {total} {what} cannot be used (--skip-bad leaves them "
            f"out):\n{listed}"
        )
    check_share(request, usable, total - aside, bad, what)
    request.notify(f"{request.text}: {len(bad)} of {total} {what} skipped:\n{listed}")


def check_share(request: Request, usable: int, total: int, bad: Sequence[str], what: str) -> None:
    """Whether enough of the examples can be used.

    Raises:
        InputError: less than half can.
    """
    if usable < LEAST_USABLE * total:
        raise InputError(
            f"{request.text}: only {usable} of {total} {what} can be used: less than half, which --skip-bad "
            f"does not accept:\n{first_of(bad)}"
        )


def first_of(reasons: Sequence[str]) -> str:
    """The first few of a list, a line each, and how many more there are."""
    lines = [f"  - {reason}" for reason in reasons[:_MOST_TOLD]]
    more = len(reasons) - _MOST_TOLD
    return "\n".join([*lines, f"  … and {more} more"] if more > 0 else lines)


def check_one_form(
    request: Request,
    shapes: Sequence[tuple[int, ...]],
    places: Sequence[str],
    others: Sequence[str],
    bad: Sequence[str],
) -> None:
    """Whether good images have one shape (channels, height, width).

    `places` names the image of each of the `shapes`. `others` are reasons why further
    good images cannot be used as they are, `bad` why bad ones cannot at all.

    Raises:
        InputError: the shapes differ, or there are others.
    """
    said = []
    sizes, channels = _Forms(), _Forms()
    for shape, place in zip(shapes, places, strict=True):
        sizes.add(shape_text(shape[1:]), place)
        channels.add(str(shape[0]), place)
    if len(sizes.counts) > 1:
        told = sizes.told("sizes")
        said.append(f"the sizes (height x width) are {told}: say size=HEIGHTxWIDTH to resize all")
    if len(channels.counts) > 1:
        told = channels.told("numbers")
        said.append(f"the channels are {told}: say channels=1 or channels=3 to convert all")
    if not said and not others:
        return
    lines = [*(f"\n  - {one}" for one in said), *([f"\n{first_of(others)}"] if others else [])]
    text = (
        f"{request.text}: images are not of the one form that is needed (--skip-bad leaves out no good "
        f"file):{''.join(lines)}"
    )
    if bad and not request.skip_bad:
        total = len(shapes) + len(others) + len(bad)
        text += (
            f"\n{len(bad)} of {total} examples cannot be used (--skip-bad leaves them out):\n{first_of(bad)}"
        )
    raise InputError(text)


class _Forms:
    """How many images there are of each size, or number of channels, and the first of
    each.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    def add(self, form: str, place: str) -> None:
        self.counts[form] += 1
        self.first.setdefault(form, place)

    def told(self, what: str) -> str:
        """`6x5 (11 images, the first a.png), 7x5 (1 image, b.png)`."""
        often = sorted(self.counts, key=lambda form: (-self.counts[form], form))
        some = [
            f"{form} ({count} images, the first {self.first[form]})"
            if (count := self.counts[form]) > 1
            else f"{form} (1 image, {self.first[form]})"
            for form in often[:_MOST_TOLD]
        ]
        more = len(often) - _MOST_TOLD
        return ", ".join(some) + (f" and {more} more {what}" if more > 0 else "")
