"""A mapping that nobody can change: a Fabric holds these, so that it can be hashed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

_Key = TypeVar("_Key")
_Item = TypeVar("_Item")


class FrozenDict(dict[_Key, _Item]):
    """A dict with a hash, whose items stay as they were when it was made.

    Copies and deep copies are the mapping itself; pickles read back as one.

    Raises:
        TypeError: somebody tries to change it.
    """

    def __hash__(self) -> int:  # type: ignore[override]  # dict has none
        return hash(frozenset(self.items()))

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a fabric cannot be changed: make another one with dataclasses.replace")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __copy__(self) -> FrozenDict[_Key, _Item]:
        return self

    def __deepcopy__(self, memo: object) -> FrozenDict[_Key, _Item]:
        return self

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[dict[_Key, _Item]]]:
        return type(self), (dict(self),)


def frozen(mapping: Mapping[_Key, _Item]) -> FrozenDict[_Key, _Item]:
    """The mapping itself where it is frozen already, else a frozen copy."""
    return mapping if isinstance(mapping, FrozenDict) else FrozenDict(mapping)
