"""`bsngraph fabric`: a command for each family, made from its row. Imports torch only
to count costs, or for --data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from bsngraph.cli.data_options import data_options, dataset_from
from bsngraph.cli.help_groups import GroupedCommand, option
from bsngraph.cli.shared_options import FILE, task_option
from bsngraph.errors import InputError
from bsngraph.fabric.families import FAMILIES, FabricFamily, FamilyArgument

_Parse = Callable[[click.Context, click.Parameter, str | None], tuple[int, ...] | None]

_ENDS = (
    option("--classes", type=int, help="Number of classes, or of outputs of a regression.  [default: 10]"),
    task_option,
    data_options,
    option(
        "--costs/--no-costs",
        default=True,
        show_default=True,
        help="Write shapes and costs into the file, for drawings.",
    ),
    option("-o", "--output", type=FILE, required=True, help="The fabric file to write, e.g. my.dot."),
)


class FamilyGroup(click.Group):
    """The families of the table, each a command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the table's order."""
        return list(FAMILIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a family."""
        family = FAMILIES.get(cmd_name)
        return None if family is None else _command_of(cmd_name, family)


@click.group(cls=FamilyGroup)
def command() -> None:
    """Write a fabric of a known family: a start for a search, or for a fabric of your
    own.

    With --data the shape of the input, the classes or outputs, and the task are those
    of the data. The file is plain: every edge stands in it with its operation, and
    parameters like channels and classes can be changed by --set. Edit it, draw it,
    search it.

    \b
    Example:
      bsngraph fabric resnet --input 1x28x28 -o my.dot
      bsngraph fabric mobilenet --data folder:photos,size=96 -o photos.dot
      bsngraph check my.dot
    """


def _command_of(name: str, family: FabricFamily) -> click.Command:
    """The command of a row, with an option for each of its arguments."""

    def write(costs: bool, output: Path, **given: Any) -> None:
        _write(family, _ends(family, given) | given, output, costs=costs)

    made: Callable[..., None] = write
    for one in reversed(_ENDS):
        made = one(made)
    for argument in reversed(list(family.arguments())):
        made = _option_of(argument)(made)
    sizes = f"{family.input_meaning}  [default: {family.input_sizes}]"
    parse = _parsed("x", family.input_sizes)
    made = option("--input", "input_shape", callback=parse, metavar="SIZES", help=sizes)(made)
    examples = "\n".join(f"  bsngraph fabric {name} {words}" for words in family.examples)
    text = f"{family.meaning}\n\n\b\nExample:\n{examples}"
    return click.command(name, cls=GroupedCommand, help=text)(made)


def _option_of(argument: FamilyArgument) -> Callable[[Callable[..., None]], Callable[..., None]]:
    word, shown = "--" + argument.name.replace("_", "-"), argument.default is not None
    if argument.kind is bool:
        return option(word, is_flag=True, help=argument.meaning)
    if argument.kind is Sequence:
        default = ",".join(map(str, argument.default))  # type: ignore[arg-type]
        return option(
            word,
            callback=_parsed(",", default),
            metavar="N,N,…",
            default=default,
            show_default=True,
            help=argument.meaning,
        )
    kind = click.Choice(argument.choices) if argument.choices else argument.kind
    return option(word, type=kind, default=argument.default, show_default=shown, help=argument.meaning)


def _parsed(separator: str, example: str) -> _Parse:
    """Whole numbers with a separator between: 3x32x32, or 16,24,40."""

    def parse(
        context: click.Context, parameter: click.Parameter, value: str | None
    ) -> tuple[int, ...] | None:
        if value is None:
            return None
        parts = [part.strip() for part in value.lower().split(separator)]
        if not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in parts):
            raise click.BadParameter(f"{value!r} does not read like {example}", context, parameter)
        return tuple(map(int, parts))

    return parse


def _ends(family: FabricFamily, options: dict[str, Any]) -> dict[str, Any]:
    """What comes in and goes out, as the data says or the options; takes these out of
    `options`.

    Raises:
        InputError: data that cannot be loaded, or an option beside them that says what
            they say.
    """
    shape, classes, task = (options.pop(name) for name in ("input_shape", "classes", "task"))
    dataset = dataset_from(options, task)
    if dataset is None:
        usual = tuple(map(int, family.input_sizes.split("x")))
        task, classes = family.task if task is None else task, 10 if classes is None else classes
        return {"input_shape": shape or usual, "classes": classes, "task": task}
    for word, value in (("--input", shape), ("--classes", classes)):
        if value is not None:
            raise InputError(f"{word} and --data exclude each other: the data say what it would say")
    classes = len(dataset.class_names)
    return {"input_shape": dataset.input_shape, "classes": classes, "task": dataset.task}


def _write(family: FabricFamily, given: dict[str, Any], output: Path, *, costs: bool) -> None:
    """Write the file and say what is in it."""
    from bsngraph.fabric import fabric_from_networkx
    from bsngraph.fabric.families import write_sketched
    from bsngraph.wording import quantity

    sketched = family.sketch(**given)
    fabric = fabric_from_networkx(sketched)
    said = f"{len(fabric.edges)} edges, {len(fabric.searchable)} of them searchable"
    if costs:
        from bsngraph.profile import profile_fabric

        profile = profile_fabric(fabric)
        fabric = profile.annotated()
        said += f", {quantity(profile.macs.sum())} MACs, {quantity(profile.params.sum())} parameters"
    write_sketched(sketched, fabric, output)
    click.echo(f"{output}: {said}")
