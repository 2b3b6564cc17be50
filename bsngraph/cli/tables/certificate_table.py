"""What `bsngraph verify` prints: each check of a certificate or of an export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from bsngraph.cli.tables.printing import plain_console
from bsngraph.errors import InputError

if TYPE_CHECKING:
    from bsngraph.certificate import Verification
    from bsngraph.data import Dataset
    from bsngraph.settings import CostSettings


def show_verification(
    folder: Path, costs: CostSettings, data: str | Dataset | None, form: str, *, trusted: bool
) -> bool:
    """Verify a run's certificate or an exported folder and print each check; whether
    none failed. `data` is the data set of an export by another name. The code of a
    `trusted` folder may run.

    Raises:
        InputError: there is neither, `data` is named for a run, or an own cost cannot
            be loaded.
    """
    from bsngraph.certificate import Means, verify_certificate
    from bsngraph.costs.user_costs import load_cost_function
    from bsngraph.exporting.exported_folder import is_export
    from bsngraph.exporting.proof.verifying import verify_export

    if not folder.is_dir():
        raise InputError(
            f"{folder} is no run folder: a certificate is checked in the folder of a finished run"
        )
    means = Means(own=dict(map(load_cost_function, costs.own)), timeout_s=costs.timeout_s)
    if is_export(folder):
        return _show(verify_export(folder, means, data=data, trusted=trusted), "export", form)
    if data is not None:
        raise InputError("--data is for exported folders: a run's certificate says nothing of data")
    return _show(verify_certificate(folder, means), "certificate", form)


def _show(verification: Verification, of: str, form: str) -> bool:
    if form == "json":
        click.echo(json.dumps(verification.to_json(), indent=2, ensure_ascii=False))
        return verification.ok
    words = {True: Text("ok"), False: Text("WRONG", "bold red"), None: Text("stated")}
    table = Table("", "what", of, "found")
    for check in verification.checks:
        table.add_row(words[check.ok], check.name, check.expected, check.found)
    console = plain_console()
    console.print(table)
    wrong = sum(check.ok is False for check in verification.checks)
    console.print(f"{wrong} of {len(verification.checks)} checks failed" if wrong else f"the {of} holds")
    return verification.ok
