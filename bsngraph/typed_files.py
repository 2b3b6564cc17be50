"""Files and plain values → typed rows, at the border.

In: a JSON file, or plain values that another reader gave, and the type that they must
have: a msgspec struct, a frozen dataclass, a mapping of them. Out: a value of that
type, or an InputError `FILE: what at the place in it: cure`. What was decoded needs no
further check, so the code behind this border runs unprotected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from bsngraph.errors import InputError
from bsngraph.whole_files import read_bounded
from bsngraph.wording import printable, shortened

_T = TypeVar("_T")

MOST_BYTES = 64 * 2**20
CURE = "it is damaged, or was written by another version of bsngraph: restore it, or make it again"

_LONGEST = 200
_LARGEST = 1.7976931348623157e308
# Of NaN and infinities, which JSON has no word for and Python writes all the same.
_NOT_FINITE = re.compile(r"Expected `float` [<>]= -?1\.7976931348623157e\+308")

Finite = Annotated[float, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=_LARGEST)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=_LARGEST)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Number = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file says, or a part of it. A field that it does not have is refused: a
    misspelt one would be lost without a word.
    """


def read_row(path: Path, kind: type[_T], *, most: int = MOST_BYTES, cure: str = CURE) -> _T:
    """The content of a JSON file.

    Raises:
        InputError: it cannot be read, is larger than `most` bytes, is not JSON, or is
            not of the type.
    """
    content = read_bounded(path, most, "which no such file is")
    return decode_row(content, kind, str(path), cure=cure)


def decode_row(content: bytes, kind: type[_T], origin: str, *, cure: str = CURE) -> _T:
    """JSON text as a value of a type; `origin` says where it is from.

    Raises:
        InputError: it is not JSON, or is not of the type.
    """
    return decode_value(parse_json(content, origin, cure=cure), kind, origin, cure=cure)


def parse_json(content: bytes, origin: str, *, cure: str = CURE) -> object:
    """JSON text as plain values, of any type yet.

    Raises:
        InputError: it is not JSON.
    """
    try:
        value: object = json.loads(content.decode("utf-8"), object_pairs_hook=_without_doubles)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise InputError(f"{origin}: is not JSON ({reason}) at $: {cure}") from None
    return value


def decode_value(
    value: object,
    kind: type[_T],
    origin: str,
    *,
    cure: str = CURE,
    hook: Callable[[type, Any], Any] | None = None,
) -> _T:
    """Plain values as a value of a type. `hook(type, value)` gives what stands for a
    value of a type that msgspec does not know.

    Raises:
        InputError: they are not of that type.
    """
    try:
        return msgspec.convert(value, kind, dec_hook=hook)
    except msgspec.ValidationError as error:
        raise InputError(f"{origin}: {_told(error, value, kind, hook)}: {cure}") from None
    except InputError as error:  # settings that no run takes
        raise InputError(f"{origin}: {error} at $: {cure}") from None


def plain(row: object) -> Any:
    """A row as dicts, lists, texts and numbers."""
    return json.loads(json.dumps(msgspec.to_builtins(row)))  # to_builtins alone leaves tuples


def json_text(row: object) -> str:
    """A row as the text of a file, in the order of its fields."""
    return json.dumps(plain(row), indent=2, ensure_ascii=False) + "\n"


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has two values under one name")
    return found


# --- where it is wrong


def _told(error: msgspec.ValidationError, value: object, kind: Any, hook: Any) -> str:
    """What is wrong and where: `expected `float`, got `str` at $.costs.macs.value`."""
    what, _, where = str(error).rpartition(" - at ")
    if not what:
        what, where = str(error), "`$`"
    path = where.replace("`", "")
    of_key = path.startswith("key in ")

    def fails(other: object) -> bool:
        try:
            msgspec.convert(other, kind, dec_hook=hook)
        except msgspec.ValidationError as now:
            return str(now) == str(error)
        except InputError:
            pass
        return False

    place = _place(path.removeprefix("key in "), value, fails)
    what = _NOT_FINITE.sub("expected a finite number", what)
    what = shortened(printable(what), _LONGEST)
    return f"{what[:1].lower()}{what[1:]} at {'a key of ' if of_key else ''}{place}"


def _place(path: str, value: object, fails: Callable[[object], bool]) -> str:
    """A path of msgspec, `$.costs[...].value`, with the keys that it leaves out."""
    steps: list[Any] = []
    shown = "$"
    for step in re.findall(r"\.\w+|\[\d+\]|\[\.\.\.\]", path):
        if step == "[...]":
            key = _failing_key(value, steps, fails)
            steps.append(key)
            word = str(key)
            shown += f".{word}" if word.isidentifier() else f"[{shortened(printable(repr(key)))}]"
        else:
            steps.append(int(step[1:-1]) if step.startswith("[") else step[1:])
            shown += step
    return shown


def _failing_key(value: object, steps: Sequence[Any], fails: Callable[[object], bool]) -> Any:
    """The key of the mapping at `steps` whose value fails: halves are tried until one
    is left.
    """
    mapping = value
    for step in steps:
        mapping = mapping[step]  # type: ignore[index]
    assert isinstance(mapping, dict)
    keys = list(mapping)
    while len(keys) > 1:
        half = keys[: len(keys) // 2]
        some = {key: mapping[key] for key in half}
        keys = half if fails(_with(value, steps, some)) else keys[len(half) :]
    return keys[0]


def _with(value: Any, steps: Sequence[Any], part: object) -> Any:
    """`value` with another part at `steps`."""
    if not steps:
        return part
    first, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        return value | {first: _with(value[first], rest, part)}
    return [_with(one, rest, part) if index == first else one for index, one in enumerate(value)]
