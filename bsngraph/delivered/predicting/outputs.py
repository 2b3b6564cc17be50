"""What the files of a prediction are called, and which files they must not replace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bsngraph.errors import InputError


def keep_apart(folder: Path, table: Path, images: str | Path | None, data: object) -> None:
    """Make sure that nothing is written over images or data that are read: pictures not
    among them, the `table` not on them.

    Raises:
        InputError: it would be.
    """
    source = Path(images) if images is not None else _path_of(data)
    if source is None:
        return
    if source.resolve() == table.resolve():
        raise InputError(f"{table} holds the data that are predicted: give another --out")
    if source.is_dir() and folder.resolve().is_relative_to(source.resolve()):
        raise InputError(f"{folder} holds what is predicted, and could be written over: give another --out")


def _path_of(data: object) -> Path | None:
    """The file or folder in the name of a data set, `csv:FILE,label=y`."""
    if not isinstance(data, str):
        return None
    path = data.partition(":")[2].partition(",")[0]
    return Path(path) if path else None


def output_stems(names: Sequence[str]) -> dict[str, str]:
    """What the outputs of each file are called: its name without the suffix, or with it
    where the outputs of two files would meet.
    """
    counts = Counter(Path(name).stem.casefold() for name in names)
    stems = {name: Path(name).stem if counts[Path(name).stem.casefold()] == 1 else name for name in names}
    met = len({stem.casefold() for stem in stems.values()}) < len(stems)
    return {name: name for name in names} if met else stems
