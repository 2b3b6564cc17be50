"""Draw a Fabric, a fabric's file or a run folder. Torch is not needed: everything that
a picture says stands in the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bsngraph.draw.fabric_drawing import fabric_drawing
from bsngraph.draw.graphviz import check_drawable, render_dot
from bsngraph.draw.parts.decision_texts import decision_lines
from bsngraph.errors import InputError
from bsngraph.fabric import Fabric, read_fabric
from bsngraph.ops import Value
from bsngraph.whole_files import read_bounded

_MOST_BYTES = 64 * 2**20
_MOST_DECISIONS = 8


def render(
    what: Fabric | str | Path, output: str | Path, *, settings: Mapping[str, Value] | None = None
) -> None:
    """Draw a fabric, or the architecture that a run found over its fabric, to an .svg,
    .png or .dot file.

    `what` is a Fabric, the path of a fabric's file (with `settings` for its
    parameters), or a run folder. A fabric whose searchable edges all have a probability
    (a run's probabilities.dot) is drawn with widths by probability. Shapes and costs
    are drawn if the fabric carries them, as every file does that a run writes.

    Raises:
        FabricError, InputError: there is nothing to draw, or the suffix is another one.
        NoGraphvizError: no Graphviz is installed.
    """
    output = Path(output)
    check_drawable(output)
    if isinstance(what, Fabric):
        source = fabric_source(what, what.name or "fabric")
    elif Path(what).is_dir():
        source = _run_source(Path(what))
    else:
        source = fabric_source(read_fabric(what, settings), Path(what).stem)
    render_dot(source, output)


def _run_source(run: Path) -> str:
    overlay = run / "overlay.dot"
    if not overlay.exists():
        raise InputError(
            f"{run}: there is no architecture in it yet (overlay.dot): is it a run folder, and its run "
            "finished?"
        )
    return read_bounded(overlay, _MOST_BYTES, "which no drawing is").decode("utf-8", "replace")


def fabric_source(fabric: Fabric, name: str) -> str:
    """DOT text of the picture of a fabric, with its name and counts below."""
    learned = [edge.probability for edge in fabric.edges if not edge.fixed]
    probabilities = None
    if learned and None not in learned:
        probabilities = [1.0 if edge.probability is None else edge.probability for edge in fabric.edges]
    caption = [
        f"{fabric.name or name}: {len(fabric.edges)} edges, {len(fabric.searchable)} of them searchable",
        *decision_lines(fabric, _MOST_DECISIONS),
    ]
    return fabric_drawing(fabric, probabilities=probabilities, caption=caption)
