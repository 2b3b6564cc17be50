"""What a data set is called: `KIND`, `KIND:ARGUMENT`, and options at the end,
`fashion-mnist,size=14,train=10000`.

In: the text after --data. Out: a `Request`, which reads its options by type. A name
holds everything that its data depends on, so that a run's record of it is enough to
load the same data again. Nothing in a name needs quoting in a shell.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bsngraph.data.splits import Part
from bsngraph.errors import InputError

_OPTIONS = re.compile(r"(?:,[a-z-]+=[^,]*)*$")
_UNITS = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_ANNOUNCED_SECONDS, _METERED_SECONDS = 1.0, 5.0

Notify = Callable[[str], None]


def silent(_text: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Request:
    """What is asked of a data source. `text` is the whole name; `notify` gets a line of
    progress, or a warning. `shares` are those of the examples that a split is drawn
    from, where the usual ones are not meant.
    """

    text: str
    kind: str
    argument: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    split_seed: int = 0
    notify: Notify = silent
    shares: Mapping[Part, float] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The argument as a file or folder."""
        try:
            path = Path(self.argument).expanduser()
        except RuntimeError:  # there is no user of that name
            path = Path(self.argument)
        if "\0" in self.argument:
            raise InputError(f"{self.text!r}: no file has such a name")
        return path

    @property
    def skip_bad(self) -> bool:
        """Whether examples that cannot be used are left out, with a warning."""
        return self.word("bad", ("refuse", "skip"), "refuse") == "skip"

    def word(self, option: str, known: tuple[str, ...], default: str) -> str:
        """An option that is one of a few words."""
        value = self.options.get(option, default)
        if value not in known:
            raise InputError(f"{self.text}: {option}={value} must be one of {', '.join(known)}")
        return value

    def number(self, option: str, default: int | None = None, *, least: int = 1) -> int | None:
        """An option that is a whole number."""
        if option not in self.options:
            return default
        value = self.options[option]
        if not (value.isascii() and value.isdecimal() and len(value) < 10 and int(value) >= least):
            raise InputError(f"{self.text}: {option}={value} must be a whole number, {least} or more")
        return int(value)

    def sizes(self, option: str) -> tuple[int, int] | None:
        """Height and width: `32` or `24x32`."""
        if option not in self.options:
            return None
        parts = self.options[option].lower().split("x")
        if len(parts) > 2 or not all(
            part.isascii() and part.isdecimal() and len(part) < 10 and 2 <= int(part) <= 4096
            for part in parts
        ):
            raise InputError(
                f"{self.text}: {option}={self.options[option]} must read 32, or 24x32 for height and width"
            )
        return int(parts[0]), int(parts[-1])

    def bytes(self, option: str, default: int) -> int:
        """An amount of memory: `500MB`."""
        if option not in self.options:
            return default
        found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)(kB|MB|GB|TB|)", self.options[option])
        if not found:
            raise InputError(
                f"{self.text}: {option}={self.options[option]} must be an amount of memory, e.g. 500MB or 2GB"
            )
        return int(float(found[1]) * _UNITS[found[2]])


def parse_name(text: str) -> tuple[str, str | None, dict[str, str]]:
    """Kind, argument (None without a colon) and options of a name.

    Raises:
        InputError: an option stands there twice.
    """
    tail = _OPTIONS.search(text)
    assert tail is not None, "the pattern matches nothing at the end, too"
    kind, colon, argument = text[: tail.start()].partition(":")
    options: dict[str, str] = {}
    for option in tail.group().split(",")[1:]:
        name, _, value = option.partition("=")
        if name in options:
            raise InputError(f"{text}: {name} is given twice")
        options[name] = value
    return kind, argument if colon else None, options


@contextmanager
def announced(text: str, notify: Notify) -> Iterator[None]:
    """Tell `text` if what is done inside takes over a second."""
    timer = threading.Timer(_ANNOUNCED_SECONDS, notify, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class ReadingMeter:
    """Tells how far a reading is, every five seconds."""

    def __init__(self, what: str, total: int, notify: Notify) -> None:
        self.what, self.total, self.notify = what, total, notify
        self.next = time.monotonic() + _METERED_SECONDS

    def at(self, done: int) -> None:
        """`done` of the total are read."""
        now = time.monotonic()
        if now >= self.next:
            self.next = now + _METERED_SECONDS
            self.notify(f"{self.what}: {done:,} of {self.total:,}")
