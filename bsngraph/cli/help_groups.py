"""Options under headings in `--help`, which click does not have: commands are of the
class `GroupedCommand`, and `option` stands for click's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from bsngraph.settings import Group

HEADINGS: Mapping[Group, str] = {
    "common": "Options",
    "data": "Data",
    "budgets": "Budgets and costs",
    "learning": "Learning weights and edge probabilities",
    "choosing": "Choosing the architecture",
    "delivery": "The delivered network",
    "hardware": "Hardware",
}


class GroupedOption(click.Option):
    """An option that knows its group."""

    def __init__(self, *declarations: Any, group: Group = "common", **more: Any) -> None:
        self.group = group
        super().__init__(*declarations, **more)


class GroupedCommand(click.Command):
    """A command whose help has a heading for each group of options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in the order of `HEADINGS`, click's --help with the common
        ones.
        """
        lines: dict[Group, list[tuple[str, str]]] = {group: [] for group in HEADINGS}
        for one in self.get_params(ctx):
            line = one.get_help_record(ctx) if isinstance(one, click.Option) else None
            if line is not None:
                lines[one.group if isinstance(one, GroupedOption) else "common"].append(line)
        for group, heading in HEADINGS.items():
            if lines[group]:
                with formatter.section(heading):
                    formatter.write_dl(lines[group])


option = partial(click.option, cls=GroupedOption)
