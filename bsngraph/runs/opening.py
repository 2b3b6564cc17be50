"""Making a folder ready for a run, and keeping it for this run alone.

`config.json` is what the run was asked for. A folder with one holds a run; it is opened
again only to resume it under the same settings, or to overwrite it. A file of the
user's that bears the name of a run's file is never replaced.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bsngraph.errors import InputError
from bsngraph.runs.lock import locked
from bsngraph.runs.rows.config import AnyConfig
from bsngraph.runs.run_folder import FILES, FRONT_FILES, OpenMode, RunFolder
from bsngraph.typed_files import plain
from bsngraph.whole_files import unfinished

_EVERY = FILES[:-1] + FRONT_FILES + FILES[-1:]


@contextmanager
def open_run(path: Path, config: AnyConfig, mode: OpenMode) -> Iterator[RunFolder]:
    """Make the folder ready for a run of `config`, and hold it until the run ends.

    Raises:
        InputError: another run goes on in it; it holds a run already (mode new), holds
            none or one of other settings (mode resume), or files that may be the
            user's; or it cannot be made or written to.
    """
    run = RunFolder(path)
    if mode == "resume":
        _check_resumable(run)
    else:
        _make(path)
    with locked(path):
        if mode == "resume":
            _check_same(run, config)
            _remove_unfinished(run)
        else:
            _check_replaceable(run, mode)
            _remove_all(run)
            run.write_json("config.json", config)
        yield run


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be made ({error.strerror}): give another --out") from None


def _check_resumable(run: RunFolder) -> None:
    if not os.path.exists(run.file("config.json")):
        raise InputError(f"{run.path} holds no run to resume: leave out --resume to start one")


def _check_replaceable(run: RunFolder, mode: OpenMode) -> None:
    """Raise where a run would replace another without being asked to, or files of the
    user's.
    """
    there = [name for name in _EVERY if os.path.lexists(run.file(name))]
    if not there:
        return
    try:
        run.read_config()
    except InputError as error:
        shown = ", ".join(there[:3]) + (f" and {len(there) - 3} more" if len(there) > 3 else "")
        reason = f"; {error}" if "config.json" in there else ""
        raise InputError(
            f"{run.path}: {shown} would be replaced, and may be yours, since no config.json of a run is "
            f"there{reason}: move the files away, or give another --out"
        ) from None
    if mode == "new":
        raise InputError(
            f"{run.path} already holds a run: go on with it by --resume, replace it by "
            "--overwrite, or give another --out"
        )


def _remove_all(run: RunFolder) -> None:
    """Remove the run that is replaced: what was written last goes first, config.json at
    the end, so that a folder that is left in between still holds a run.
    """
    for name in reversed(_EVERY):
        try:
            run.file(name).unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{run.file(name)}: cannot be removed ({error.strerror})") from None
    _remove_unfinished(run)
    with suppress(OSError):  # there is none, or it holds files of the user's
        run.file(FRONT_FILES[0]).parent.rmdir()


def _remove_unfinished(run: RunFolder) -> None:
    """Remove what a killed run left of a file that it was about to replace."""
    try:
        for name in _EVERY:
            for left in unfinished(run.file(name)) if run.file(name).parent.is_dir() else ():
                left.unlink()
    except OSError as error:
        raise InputError(f"{run.path}: cannot be tidied ({error.strerror}): give another --out") from None


def _check_same(run: RunFolder, config: AnyConfig) -> None:
    """Raise where the settings differ from those of the run."""
    before, now = _flat(plain(run.read_config())), _flat(plain(config))
    differing = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if differing:
        shown = "; ".join(
            f"{name} was {before.get(name)!r} and is {now.get(name)!r}" for name in differing[:5]
        )
        raise InputError(
            f"{run.path}: cannot resume with other settings ({shown}): give those of the "
            "run, or start another in a new --out"
        )


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        name: leaf
        for key, inner in value.items()
        for name, leaf in _flat(inner, f"{prefix}.{key}" if prefix else key).items()
    }
