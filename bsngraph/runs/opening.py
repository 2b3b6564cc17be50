"""Making a folder ready for a run.

`config.json` is what the run was asked for. A folder with one holds a run; it is opened
again only to resume it under the same settings, or to overwrite it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bsngraph.errors import InputError
from bsngraph.runs.rows.config import AnyConfig
from bsngraph.runs.run_folder import FILES, OpenMode, RunFolder
from bsngraph.typed_files import plain


def open_run(path: Path, config: AnyConfig, mode: OpenMode) -> RunFolder:
    """Make the folder ready for a run of `config`.

    Raises:
        InputError: it holds a run already (mode new), holds none or one of other
            settings (mode resume), or cannot be made.
    """
    run = RunFolder(path)
    try:
        holds_run = run.file("config.json").exists()
        if mode != "resume":
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be made ({error.strerror}): give another --out") from None
    if mode == "resume":
        if not holds_run:
            raise InputError(f"{path} holds no run to resume: leave out --resume to start one")
        _check_same(run, config)
        _remove_unfinished(run)
        return run
    if holds_run and mode == "new":
        raise InputError(
            f"{path} already holds a run: go on with it by --resume, replace it by "
            "--overwrite, or give another --out"
        )
    for name in FILES:
        run.file(name).unlink(missing_ok=True)
    _remove_unfinished(run)
    run.write_json("config.json", config)
    return run


def _remove_unfinished(run: RunFolder) -> None:
    """Remove what a killed run left of a file that it was about to replace."""
    for name in FILES:
        for left in run.path.glob(f".{name}.*"):
            left.unlink()


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
