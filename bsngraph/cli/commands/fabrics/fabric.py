"""`bsngraph fabric`: a command for each family. Imports torch only to count costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bsngraph.cli.shared_options import FILE

if TYPE_CHECKING:
    from bsngraph.fabric import Fabric

_Command = TypeVar("_Command", bound=Callable[..., Any])


_Parse = Callable[[click.Context, click.Parameter, str], tuple[int, ...]]


def _parsed(separator: str, example: str) -> _Parse:
    """Whole numbers with a separator between: 3x32x32, or 16,24,40."""

    def parse(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
        parts = [part.strip() for part in value.lower().split(separator)]
        if not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in parts):
            raise click.BadParameter(f"{value!r} does not read like {example}", context, parameter)
        return tuple(map(int, parts))

    return parse


def _input(example: str, meaning: str) -> Callable[[_Command], _Command]:
    parse = _parsed("x", example)
    return click.option(
        "--input",
        "input_shape",
        callback=parse,
        metavar="SIZES",
        default=example,
        show_default=True,
        help=meaning,
    )


def _numbers(name: str, default: str, meaning: str) -> Callable[[_Command], _Command]:
    return click.option(
        name,
        callback=_parsed(",", default),
        metavar="N,N,…",
        default=default,
        show_default=True,
        help=meaning,
    )


def _number(name: str, default: int, meaning: str) -> Callable[[_Command], _Command]:
    return click.option(name, type=int, default=default, show_default=True, help=meaning)


_image = _input("3x32x32", "Sizes of one image, channels first.")
_classes = _number("--classes", 10, "Number of classes.")
_merge = click.option(
    "--merge",
    type=click.Choice(["sum", "mean"]),
    default="sum",
    show_default=True,
    help="How nodes merge; papers sum.",
)
_output = click.option(
    "-o", "--output", type=FILE, required=True, help="The fabric file to write, e.g. my.dot."
)
_costs = click.option(
    "--costs/--no-costs",
    default=True,
    show_default=True,
    help="Write shapes and costs into the file, for drawings.",
)


@click.group()
def command() -> None:
    """Write a fabric of a known family: a start for a search, or for a fabric of your
    own.

    The file is plain: every edge stands in it with its operation. Edit it, draw it,
    search it.

    \b
    Example:
      bsngraph fabric resnet --input 1x28x28 -o my.dot
      bsngraph check my.dot
    """


@command.command()
@_image
@_classes
@click.option(
    "--groups", type=int, help="Groups, each at half the resolution of the one before. [default: 3]"
)
@click.option("--blocks", type=int, help="Basic blocks in a group. [default: 3]")
@_number("--channels", 16, "Feature maps of the first group; each further one has twice as many.")
@click.option(
    "--merge", type=click.Choice(["sum", "mean"]), help="How nodes merge. [default: sum, as in the paper]"
)
@click.option("--plain", is_flag=True, help="No search space: the ResNet of --depth, every edge fixed.")
@click.option("--depth", type=int, help="Depth 6n+2 of a --plain ResNet. [default: 20]")
@_costs
@_output
def resnet(plain: bool, depth: int | None, costs: bool, output: Path, **given: Any) -> None:
    """The ResNet Fabric of Budgeted Super Networks, or a plain ResNet.

    Groups of basic blocks, each beside its skip, and connections from every group to
    the next one across them. With --plain the ResNet of He et al. 2015 for small
    images, as a fixed fabric: depth 20, 32, 44, 56, 110 …

    \b
    Example:
      bsngraph fabric resnet --input 3x32x32 --classes 100 -o resnet.dot
      bsngraph fabric resnet --plain --depth 20 -o resnet20.dot
    """
    from bsngraph.fabric.families import plain_resnet_fabric, resnet_fabric

    if not plain:
        if depth is not None:
            raise click.UsageError(
                "--depth is that of a --plain ResNet: the ResNet Fabric takes --groups and --blocks"
            )
        _write(resnet_fabric(**_given(given)), output, costs)
        return
    for name in ("groups", "blocks", "merge"):
        if given.pop(name) is not None:
            raise click.UsageError(f"--{name} has no meaning with --plain: give --depth")
    _write(plain_resnet_fabric(**_given(given | {"depth": depth})), output, costs)


@command.command()
@_image
@_classes
@_number("--layers", 4, "Layers of the grid.")
@_number("--channels", 16, "Feature maps of every node.")
@click.option(
    "--task",
    type=click.Choice(["classification", "segmentation"]),
    default="classification",
    show_default=True,
    help="What the output is.",
)
@_merge
@_costs
@_output
def cnf(costs: bool, output: Path, **given: Any) -> None:
    """The Convolutional Neural Fabric: a grid of layers and scales, down to 1x1.

    Every node receives from the finer, the same and the coarser scale of the layer
    before it.

    \b
    Example:
      bsngraph fabric cnf --input 1x28x28 --layers 4 -o cnf.dot
      bsngraph fabric cnf --input 1x32x32 --classes 11 --task segmentation -o scenes.dot
    """
    from bsngraph.fabric.families import cnf_fabric

    _write(cnf_fabric(**given), output, costs)


@command.command()
@_image
@_classes
@_number("--stages", 3, "Stages, each at half the resolution of the one before.")
@_number("--cells", 1, "Cells in a stage.")
@_number("--nodes", 4, "Nodes of a cell, its input among them.")
@_number("--channels", 16, "Feature maps of the first stage; each further one has twice as many.")
@click.option("--none", is_flag=True, help="Let a position of the cell stay empty, too.")
@_merge
@_costs
@_output
def cells(costs: bool, output: Path, **given: Any) -> None:
    """One cell, repeated, in the manner of DARTS and NAS-Bench-201.

    Between any two nodes of a cell one of identity, 1x1 conv, 3x3 conv and mean pooling
    is kept, the same one in every cell.

    \b
    Example:
      bsngraph fabric cells --input 3x32x32 --cells 2 -o cells.dot
    """
    from bsngraph.fabric.families import cell_fabric

    _write(cell_fabric(**given), output, costs)


@command.command()
@_image
@_classes
@_numbers(
    "--channels", "16,24,40", "Feature maps of every stage; stages after the first halve the resolution."
)
@_number("--layers", 3, "Positions in a stage.")
@_number("--stem", 16, "Feature maps of the stem.")
@_numbers("--kernels", "3,5,7", "Kernels to choose from.")
@_numbers("--expansions", "3,6", "Expansions to choose from.")
@click.option("--squeeze-excite", is_flag=True, help="Squeeze-and-excitation in every MBConv.")
@_costs
@_output
def chain(costs: bool, output: Path, **given: Any) -> None:
    """Stages of MBConv blocks in the manner of ProxylessNAS and FBNet.

    Every position keeps one MBConv of a kernel and an expansion, or nothing but its
    input where shapes agree.

    \b
    Example:
      bsngraph fabric chain --input 3x32x32 --channels 16,24,40 --layers 3 -o chain.dot
    """
    from bsngraph.fabric.families import chain_fabric

    _write(chain_fabric(**given), output, costs)


@command.command()
@_input("8x8", "Sizes of one sequence: length, then features of a token.")
@_classes
@_number("--blocks", 4, "Blocks of attention and MLPs.")
@_number("--features", 32, "Features of a token inside.")
@_number("--heads", 4, "Heads of an attention.")
@_numbers("--expansions", "1,4", "A searchable MLP for each: how many times wider it is inside.")
@_costs
@_output
def transformer(costs: bool, output: Path, **given: Any) -> None:
    """A transformer over sequences, every sub-layer of which may go.

    Blocks of self-attention and MLPs, each beside an identity that stays.

    \b
    Example:
      bsngraph fabric transformer --input 8x8 --blocks 4 -o transformer.dot
    """
    from bsngraph.fabric.families import transformer_fabric

    _write(transformer_fabric(**given), output, costs)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    """What was given: the rest is for the family's own defaults."""
    return {name: value for name, value in values.items() if value is not None}


def _write(fabric: Fabric, output: Path, costs: bool) -> None:
    """Write the file and say what is in it."""
    from bsngraph.fabric import write_fabric
    from bsngraph.wording import quantity

    said = f"{len(fabric.edges)} edges, {len(fabric.searchable)} of them searchable"
    if costs:
        from bsngraph.profile import profile_fabric

        profile = profile_fabric(fabric)
        fabric = profile.annotated()
        said += f", {quantity(profile.macs.sum())} MACs, {quantity(profile.params.sum())} parameters"
    write_fabric(fabric, output)
    click.echo(f"{output}: {said}")
