"""An exported folder on disk: it appears whole or not at all, and holds the files of
its run.

    export.json     the proof
    run/            the run as it was delivered: graph, weights, certificate, splits
    …               what the format writes
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bsngraph.delivered.network_files import file_hash
from bsngraph.errors import InputError
from bsngraph.exporting.proof.export_record import ExportRecord
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.certificate import COVERED
from bsngraph.typed_files import read_row

RECORD_FILE = "export.json"
RUN_FOLDER = "run"

_CACHE = "__pycache__"


def is_export(path: Path) -> bool:
    """Whether a folder says that it is an export."""
    return (path / RECORD_FILE).is_file()


def check_place(out: Path, *, overwrite: bool) -> None:
    """Make sure that an export can be put at `out`: nothing is there, or an empty
    folder, or with `overwrite` another export and nothing else.

    Raises:
        InputError: something else is there, or its export.json is damaged.
    """
    if not os.path.lexists(out) or _is_empty(out):
        return
    if not is_export(out):
        raise InputError(f"{out} is there and is no exported folder: give another -o")
    if not overwrite:
        raise InputError(f"{out} holds an export: give another -o, or replace it by --overwrite")
    own = read_row(out / RECORD_FILE, ExportRecord).files
    for name in listed_files(out):
        if name not in own:
            raise InputError(f"{out} holds {name}, which is not of the export: move it, or give another -o")


def _is_empty(out: Path) -> bool:
    return out.is_dir() and not out.is_symlink() and not any(out.iterdir())


@contextmanager
def appearing(out: Path) -> Iterator[Path]:
    """A folder to write to, which takes the place of `out` when all is done; if
    anything goes wrong, `out` is as it was and nothing is left.

    Raises:
        InputError: the folder cannot be made or moved.
    """
    out = Path(os.path.abspath(out))  # a path that ends in .. has a name then
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".bsngraph-", suffix=".tmp", dir=out.parent))
    except OSError as error:
        raise InputError(f"{out}: cannot be made ({error.strerror}): give another -o") from None
    try:
        made = work / out.name
        made.mkdir()
        yield made
        _replace(out, made, work / f"{out.name}.old")
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _replace(out: Path, made: Path, old: Path) -> None:
    """Put `made` where `out` is, and `out` back if that fails."""
    if not os.path.lexists(out):
        made.rename(out)
        return
    out.rename(old)
    try:
        made.rename(out)
    except BaseException:
        old.rename(out)
        raise


def copy_run(run: RunFolder, folder: Path) -> None:
    """Copy what a run's certificate covers, and the certificate: with these files the
    folder can be measured and verified without the run.
    """
    inner = folder / RUN_FOLDER
    inner.mkdir()
    for name in (*COVERED, "certificate.json"):
        if run.file(name).exists():
            (inner / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(run.file(name), inner / name)


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of an exported folder but export.json, by its path in the
    folder.

    Raises:
        InputError: one cannot be read, or is no regular file.
    """
    return {name: file_hash(path) for name, path in listed_files(folder).items()}


def listed_files(folder: Path) -> dict[str, Path]:
    """The files of an exported folder that export.json lists, by their path in it:
    all but export.json, and what Python keeps of a module that it has read.
    """
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if not path.is_dir() and path != folder / RECORD_FILE and _CACHE not in path.parts
    }
