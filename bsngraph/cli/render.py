"""`bsngraph render`. Imports no torch: what a picture says stands in the files."""

from __future__ import annotations

from pathlib import Path

import click

from bsngraph.cli import options


@click.command()
@click.argument("source", metavar="FABRIC|RUN", type=options.FILE)
@click.option("-o", "--output", type=options.FILE, required=True, help="The picture to write: .svg, .png or .dot.")
@options.set_option
@options.ops_option
def command(source: Path, output: Path, settings: tuple[str, ...]) -> None:
    """Draw a fabric file, or the architecture that a run found, over its fabric.

    A file of learned probabilities (a run's probabilities.dot) is drawn with widths by probability. Shapes and costs are drawn where
    the file carries them, as every file written by bsngraph does.

    \b
    Example:
      bsngraph render fabrics/digits.dot -o digits.svg
      bsngraph render runs/first -o first.png
    """
    from bsngraph.draw import render

    render(source, output, settings=options.parse_settings(settings))
    click.echo(str(output))
