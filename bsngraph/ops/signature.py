"""What an operation is called with, read off its builder's signature.

That is argument names, types, bounds and defaults.

In: a builder `def conv(shape, *, channels: Size, kernel: OddSize = 3): ...`, or an
nn.Module class whose `__init__` reads so. Out: an `Operation` that turns the text of a
graph file into typed arguments, or says what is wrong with it. Nothing here imports
torch.
"""

from __future__ import annotations

import inspect
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

Value = str | int | float | bool
Shape = tuple[int, ...]
Builder = Callable[..., Any]


@dataclass(frozen=True)
class Bounds:
    """The smallest and largest number an argument takes, and whether it must be odd."""

    low: float
    high: float
    odd: bool = False

    def complaint(self, value: float) -> str | None:
        """What is wrong with `value`, or None."""
        if not self.low <= value <= self.high:
            return f"must lie between {self.low:g} and {self.high:g}"
        if self.odd and value % 2 != 1:
            return "must be odd"
        return None


# The types of our own builders: sizes are bounded before anything is built from them.
Size = Annotated[int, Bounds(1, 65_536)]
OddSize = Annotated[int, Bounds(1, 255, odd=True)]
Stride = Annotated[int, Bounds(1, 64)]
Fraction = Annotated[float, Bounds(0.0, 1.0)]

_REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True)
class Argument:
    """One argument of an operation."""

    name: str
    kind: type
    choices: tuple[str, ...]
    bounds: Bounds | None
    default: Any
    help: str = ""

    @property
    def required(self) -> bool:
        return self.default is _REQUIRED

    def convert(self, value: Value) -> Value:
        """`value` (text of a file, or already typed) as this argument's type.

        Raises:
            ValueError: what the value must be, without saying which argument it is.
        """
        if self.choices:
            if value not in self.choices:
                raise ValueError(f"must be one of {', '.join(self.choices)}")
            return value
        typed = to_type(value, self.kind)
        if self.bounds is not None and not isinstance(typed, str):
            complaint = self.bounds.complaint(typed)
            if complaint:
                raise ValueError(complaint)
        return typed

    def __str__(self) -> str:
        kind = "|".join(self.choices) if self.choices else self.kind.__name__
        return f"{self.name}: {kind}" + ("" if self.required else f" = {self.default}")


@dataclass(frozen=True)
class Operation:
    """A row of the table of operations.

    `builder(shape, **arguments)` gives an nn.Module for inputs of `shape`.

    `summary` says what it is, `when` what it is good for, `sizes` what it does to a
    shape. `origin` names the file or module it comes from; it is empty for our own.
    """

    name: str
    builder: Builder
    arguments: Mapping[str, Argument]
    summary: str
    when: str = ""
    sizes: str = ""
    origin: str = ""


def to_type(value: Value, kind: type) -> Value:
    """Convert text or a typed value to bool, int, float or str.

    Raises:
        ValueError: `must be a whole number` and the like.
    """
    if kind is bool:
        if isinstance(value, bool):
            return value
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        try:
            return words[str(value).strip().lower()]
        except KeyError:
            raise ValueError("must be true or false") from None
    if kind is int:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError("must be a whole number")
        try:
            return int(value)
        except (ValueError, TypeError):
            raise ValueError("must be a whole number") from None
    if kind is float:
        try:
            number = float(value)
        except (ValueError, TypeError, OverflowError):
            raise ValueError("must be a number") from None
        if isinstance(value, bool) or not math.isfinite(number):
            raise ValueError("must be a finite number")
        return number
    return str(value)


def read_signature(name: str, builder: Builder) -> Operation:
    """The operation that `builder` defines.

    Its keyword-only parameters are the arguments, and its docstring says what it is.
    The docstring's first paragraph is the summary; what follows `When:` and `Sizes:` at
    the beginning of a line, up to the next of them or an empty line, is what they say.
    A text in an `Annotated[int, "…"]` describes an argument, a `Bounds` in it limits
    it.

    Raises:
        TypeError: a parameter that is not keyword-only, or whose type is none of bool,
            int, float, str, Literal of strings.
    """
    parameters = list(inspect.signature(builder).parameters.values())
    if not parameters or parameters[0].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        raise TypeError(
            f"operation {name!r}: its builder must take the incoming shape as its first parameter"
        )
    function = builder.__init__ if isinstance(builder, type) else builder  # type: ignore[misc]
    arguments = {}
    for parameter in parameters[1:]:
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            raise TypeError(
                f"operation {name!r}: parameter {parameter.name!r} must be keyword-only (put a * before it)"
            )
        hint = parameter.annotation
        if isinstance(hint, str):
            hint = typing.get_type_hints(function, include_extras=True)[parameter.name]
        arguments[parameter.name] = argument(name, parameter.name, hint, parameter.default)
    told = _told(inspect.cleandoc(builder.__doc__ or ""))
    return Operation(name, builder, arguments, told["summary"], told["When"], told["Sizes"])


def _told(text: str) -> dict[str, str]:
    """The paragraphs of a docstring that say something of an operation."""
    told = {"summary": "", "When": "", "Sizes": ""}
    about = "summary"
    for line in text.split("\n"):
        word, colon, rest = line.partition(":")
        if colon and word in ("When", "Sizes"):
            about, line = word, rest
        elif not line:
            about = ""
        if about:
            told[about] = f"{told[about]} {line.strip()}".strip()
    return told


def argument(operation: str, name: str, hint: Any, default: Any = _REQUIRED) -> Argument:
    """The argument that a parameter of type `hint` defines.

    Raises:
        TypeError: a type that no text of a file can be turned into.
    """
    bounds, text = None, ""
    # `Size | None`: None is what leaving it out means
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(hint) if option is not type(None)]
        hint = options[0] if len(options) == 1 else hint
    if typing.get_origin(hint) is Annotated:
        hint, *extras = typing.get_args(hint)
        bounds = next((extra for extra in extras if isinstance(extra, Bounds)), None)
        text = next((extra for extra in reversed(extras) if isinstance(extra, str)), "")
    if typing.get_origin(hint) is Literal and all(
        isinstance(choice, str) for choice in typing.get_args(hint)
    ):
        return Argument(name, str, typing.get_args(hint), None, default, text)
    if hint not in (bool, int, float, str):
        raise TypeError(
            f"operation {operation!r}: argument {name!r} must be annotated bool, int, float, str or "
            f"Literal of strings, not {hint!r}"
        )
    return Argument(name, hint, (), bounds, default, text)
