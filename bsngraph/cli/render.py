"""`bsngraph render`. Imports no torch, unless shapes are to be computed: what a picture says stands in the files."""

from __future__ import annotations

from pathlib import Path

import click

from bsngraph.cli import options


@click.command()
@click.argument("source", metavar="FABRIC|RUN", type=options.FILE)
@click.option("-o", "--output", type=options.FILE, required=True, help="The picture to write: .svg, .png or .dot.")
@click.option("--shapes", is_flag=True, help="Compute a hand-written fabric's shapes and MACs first, so that they are drawn.")
@options.set_option
@options.ops_option
def command(source: Path, output: Path, shapes: bool, settings: tuple[str, ...]) -> None:
    """Draw a fabric file, or the architecture that a run found, over its fabric.

    A file of learned probabilities (a run's probabilities.dot) is drawn with widths by probability. Shapes and costs are drawn where
    the file carries them, as every file written by bsngraph does, or with --shapes.

    \b
    Example:
      bsngraph render fabrics/digits.dot -o digits.svg --shapes
      bsngraph render runs/first -o first.png
    """
    from bsngraph.draw import render

    if shapes and not source.is_dir():
        render(options.load_profile(source, settings).annotated(), output)
    else:
        render(source, output, settings=options.parse_settings(settings))
    click.echo(str(output))
