"""The scopes of a DOT file: which defaults hold where."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Scope:
    """One graph or subgraph: the defaults stated there, the nodes mentioned there, and
    its named subgraphs.
    """

    outer: Scope | None = None
    stated: dict[str, dict[str, str]] = field(default_factory=lambda: {"node": {}, "edge": {}})
    members: dict[str, None] = field(default_factory=dict)
    named: dict[str, Scope] = field(default_factory=dict)
    known: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)

    def defaults(self, kind: str, version: int) -> dict[str, str]:
        """The defaults in force here: those of the outer scope as they are now, and
        this scope's own over them.

        `version` counts default statements: until the next one, everything that is
        created here shares one mapping.
        """
        if kind not in self.known or self.known[kind][0] != version:
            outer = self.outer.defaults(kind, version) if self.outer else {}
            self.known[kind] = version, outer | self.stated[kind]
        return self.known[kind][1]

    def inner(self, name: str | None) -> Scope:
        """The scope of a subgraph: a new one, or the same one again for a name that was
        opened before.
        """
        return Scope(self) if name is None else self.named.setdefault(name, Scope(self))
