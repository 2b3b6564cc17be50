"""`bsngraph check RUN --certificate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bsngraph.errors import InputError

if TYPE_CHECKING:
    from bsngraph.certificate import Verification


def show_certificate(folder: Path, own: Sequence[str], timeout_s: float, form: str) -> bool:
    """Verify a run's certificate and print each check; whether none failed. `own` are
    `NAME=FILE.py:FUNCTION` texts.

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
        folder, Means(own=dict(map(load_cost_function, own)), timeout_s=timeout_s)
    )
    if form == "json":
        click.echo(json.dumps(verification.to_json(), indent=2, ensure_ascii=False))
    else:
        _show(verification)
    return verification.ok


def _show(verification: Verification) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    words = {True: "ok", False: "[bold red]WRONG[/bold red]", None: "stated"}
    table = Table("", "what", "certificate", "found")
    for check in verification.checks:
        table.add_row(words[check.ok], escape(check.name), escape(check.expected), escape(check.found))
    console = Console(highlight=False)
    console.print(table)
    wrong = sum(check.ok is False for check in verification.checks)
    console.print(
        f"{wrong} of {len(verification.checks)} checks failed" if wrong else "the certificate holds"
    )
