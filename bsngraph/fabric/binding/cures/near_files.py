"""A path or a file that is not the graph it should be: what was probably meant."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from itertools import islice
from pathlib import Path

from bsngraph.errors import InputError, nearest

_MOST_LOOKED_AT = 1000
_MOST_NAMED = 6
_BEGINNING = 1000
_FIRST_WORDS = {
    "GraphML": re.compile(rb"<"),
    "node-link JSON": re.compile(rb"[{\[]"),
    "DOT": re.compile(rb"(?:strict\s+)?(?:di)?graph\b", re.IGNORECASE),
}
_OFTEN_OTHER = ".json"  # what most files of that suffix hold is no graph


def check_graph_path(path: Path, suffixes: Collection[str]) -> None:
    """Say which file was meant by a folder, or by a name that is nearly right.

    Raises:
        InputError: the path is one of these.
    """
    if os.path.isdir(path):
        held = _graph_files(path, suffixes)
        more = ", …" if len(held) > _MOST_NAMED else ""
        cure = f"name a file in it: {', '.join(held[:_MOST_NAMED])}{more}" if held else "name a graph file"
        raise InputError(f"{path}: cannot be read (Is a directory): {cure}")
    if os.path.lexists(path) or not os.path.isdir(path.parent):
        return
    near = _graph_files(path.parent, suffixes)
    same = [name for name in near if Path(name).stem == path.name]
    meant = f"did you mean {same[0]!r}?" if same else nearest(path.name, near, otherwise=" ", cutoff=0.8)
    if meant.strip():
        raise InputError(f"{path}: cannot be read (No such file or directory): {meant}")


def held_format(content: bytes) -> str | None:
    """The name of the format that a file's first word is of, for a file that cannot be
    read as what its suffix says.
    """
    start = content[:_BEGINNING].removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((name for name, word in _FIRST_WORDS.items() if word.match(start)), None)


def _graph_files(folder: Path, suffixes: Collection[str]) -> list[str]:
    """Names of the graph files in a folder, as far as one looks."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, _MOST_LOOKED_AT)]
    except OSError:  # a folder that one may enter and not list
        return []
    found = sorted(name for name in names if Path(name).suffix.lower() in suffixes)
    sure = [name for name in found if not name.lower().endswith(_OFTEN_OTHER)]
    return sure or found
