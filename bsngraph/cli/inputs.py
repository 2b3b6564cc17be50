"""What the texts of a command line become: parameters, fabrics, the file that a run
folder stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bsngraph.errors import InputError

if TYPE_CHECKING:
    from bsngraph.profile import FabricProfile
    from bsngraph.runs import OpenMode


def open_mode(resume: bool, overwrite: bool) -> OpenMode:
    """What --resume and --overwrite ask for.

    Raises:
        InputError: both.
    """
    if resume and overwrite:
        raise InputError("--resume and --overwrite exclude each other: go on with the run, or replace it")
    return "resume" if resume else "overwrite" if overwrite else "new"


def parse_parameters(texts: Sequence[str]) -> dict[str, str]:
    """`--set NAME=VALUE` texts as a mapping.

    Raises:
        InputError: one does not read so.
    """
    parsed = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise InputError(f"--set {text} does not read NAME=VALUE: write e.g. --set channels=32")
        parsed[name] = value
    return parsed


def load_profile(path: Path, parameters: Sequence[str]) -> FabricProfile:
    """Read a fabric and its shapes, with everything wrong with the file in one error.

    Raises:
        FabricError, InputError: what is wrong.
    """
    from bsngraph.fabric import draft_file
    from bsngraph.profile import profile_draft

    return profile_draft(draft_file(path, parse_parameters(parameters)))


def keep_inputs(output: Path, *inputs: Path) -> None:
    """Make sure that a command does not write over what it reads; of a run folder, over
    any of the run's files.

    Raises:
        InputError: it would.
    """
    from bsngraph.runs.run_folder import FILES, FRONT_FILES

    for source in inputs:
        files = [source / name for name in (*FILES, *FRONT_FILES)] if source.is_dir() else [source]
        if output.resolve() in (file.resolve() for file in files):
            raise InputError(f"{output} is read by this command: give -o another name")


def graph_file(path: Path) -> Path:
    """The file that a path stands for: of a run folder, its architecture.

    Raises:
        InputError: a folder without one.
    """
    if not path.is_dir():
        return path
    if not (path / "architecture.dot").exists():
        raise InputError(
            f"{path}: there is no architecture in it yet (architecture.dot): is it a run folder, and its "
            "run finished?"
        )
    return path / "architecture.dot"
