"""`--config FILE.toml`: settings of a run by the names of their options."""

from __future__ import annotations

import tomllib
from pathlib import Path

from bsngraph.errors import InputError
from bsngraph.whole_files import read_bounded

_MOST_BYTES = 2**20


def read_settings(path: Path) -> dict[str, object]:
    """What a TOML file says.

    Raises:
        InputError: it cannot be read, is larger than 1 MiB, or is not TOML.
    """
    content = read_bounded(path, _MOST_BYTES, "which no file of settings is")
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: is not TOML ({error}): write a line for each option, e.g. epochs = 20, budget = "
            '"macs=25%"; or name a run\'s config.json'
        ) from None
