"""A sketched fabric → a file that keeps the sketch's parameters."""

from __future__ import annotations

from pathlib import Path

from bsngraph.fabric.families.sketch import Sketch
from bsngraph.fabric.formats import format_of, write_fabric
from bsngraph.fabric.model import Fabric
from bsngraph.fabric.writing.fabric_to_dot import graph_to_dot
from bsngraph.fabric.writing.fabric_to_networkx import fabric_to_networkx
from bsngraph.ops.signature import Value
from bsngraph.whole_files import write_whole


def write_sketched(sketched: Sketch, fabric: Fabric, path: Path) -> None:
    """Write the fabric of a sketch, with what is computed of it.

    A DOT file has the sketch's parameters and `"$name"` where they stand, so that --set
    changes them. The other formats have the values.

    Raises:
        InputError: the suffix is not a known one, or the file cannot be written.
    """
    if format_of(path).name != "DOT":
        write_fabric(fabric, path)
        return
    graph = fabric_to_networkx(fabric)
    graph.graph.update({name: value for name, value in sketched.graph.items() if isinstance(value, int)})
    for source, target, key, attributes in sketched.edges(keys=True, data=True):
        graph.edges[source, target, key].update(
            {name: value for name, value in attributes.items() if _names_parameter(value)}
        )
    write_whole(path, graph_to_dot(graph))


def _names_parameter(value: Value) -> bool:
    return isinstance(value, str) and "$" in value
