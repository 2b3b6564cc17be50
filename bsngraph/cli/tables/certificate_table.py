"""What `bsngraph verify` prints: each check of a certificate."""

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
    from bsngraph.settings import CostSettings


def show_certificate(folder: Path, costs: CostSettings, form: str) -> bool:
    """Verify a run's certificate and print each check; whether none failed.

    Raises:
        InputError: there is no certificate, or an own cost cannot be loaded.
    """
    from bsngraph.certificate import Means, verify_certificate
    from bsngraph.costs.user_costs import load_cost_function

    if not folder.is_dir():
        raise InputError(
            f"{folder} is no run folder: a certificate is checked in the folder of a finished run"
        )
    verification = verify_certificate(
        folder, Means(own=dict(map(load_cost_function, costs.own)), timeout_s=costs.timeout_s)
    )
    if form == "json":
        click.echo(json.dumps(verification.to_json(), indent=2, ensure_ascii=False))
    else:
        _show(verification)
    return verification.ok


def _show(verification: Verification) -> None:
    words = {True: Text("ok"), False: Text("WRONG", "bold red"), None: Text("stated")}
    table = Table("", "what", "certificate", "found")
    for check in verification.checks:
        table.add_row(words[check.ok], check.name, check.expected, check.found)
    console = plain_console()
    console.print(table)
    wrong = sum(check.ok is False for check in verification.checks)
    console.print(
        f"{wrong} of {len(verification.checks)} checks failed" if wrong else "the certificate holds"
    )
