"""The keys of edges that have none in their file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def numbered_keys(edges: Iterable[tuple[str, str, str | None]]) -> list[str]:
    """The keys of edges (source, target, key) in order.

    An edge without a key gets the number of parallel edges before it. If a parallel
    edge has that number as its key, it gets the next number that is free.
    """
    edges = list(edges)
    taken: dict[tuple[str, str], set[str]] = {}
    for source, target, key in edges:
        if key is not None:
            taken.setdefault((source, target), set()).add(key)
    before: Counter[tuple[str, str]] = Counter()
    free: Counter[tuple[str, str]] = Counter()
    keys = []
    for source, target, key in edges:
        ends = source, target
        if key is None:
            number = max(before[ends], free[ends])
            while str(number) in taken.get(ends, ()):
                number += 1
            free[ends] = number + 1  # numbers only grow, so what was given is never free again
            key = str(number)
        before[ends] += 1
        keys.append(key)
    return keys
