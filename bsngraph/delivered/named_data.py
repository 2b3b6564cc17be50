"""The data that a run's config.json names, if nobody named any.

A run folder may come from a stranger, and then the name in it is the stranger's choice.
Data that come with bsngraph are opened. A file or folder of this machine is opened
after a line on stderr that names it, whoever calls and however quietly. What would be
fetched from another machine is not opened: it must be named by the user.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from bsngraph.data.data_code import KIND as CODE
from bsngraph.data.data_sources import DATA_SOURCES
from bsngraph.data.request import parse_name
from bsngraph.errors import InputError
from bsngraph.runs import RunFolder
from bsngraph.wording import printable

_HUB = "hf"
_OTHER_MACHINE = ("//", "\\\\")  # how paths begin that name a machine


def named_data(run: RunFolder) -> str:
    """The name of the data in config.json, once it is said where it is a path.

    Raises:
        InputError: it names data of another machine, or code; or config.json is missing
            or damaged.
    """
    name = run.read_config().data.name
    kind, argument, _ = parse_name(name)
    origin = f"{run.path}: its config.json names the data {printable(name)}"
    distant = (argument or name).startswith(_OTHER_MACHINE)
    if distant or (kind == _HUB and argument and not Path(argument).exists()):
        raise InputError(
            f"{origin}, which would be fetched from another machine: name them yourself if you trust that, "
            f"--data {shlex.quote(printable(name))}"
        )
    if argument and kind != CODE and kind in DATA_SOURCES:  # all else is no path, or refused by `load_data`
        print(f"{origin}; reading them", file=sys.stderr, flush=True)
    return name
