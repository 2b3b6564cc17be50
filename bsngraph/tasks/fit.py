"""Whether a fabric takes a data set's examples and gives what its task needs."""

from __future__ import annotations

from bsngraph.errors import InputError
from bsngraph.ops import Shape
from bsngraph.profile import FabricProfile
from bsngraph.tasks.label_facts import LabelledData
from bsngraph.tasks.task_table import TASKS
from bsngraph.wording import shape_text

_PART = "; evaluate and predict take data with a part of a network's classes as they are"
# Arguments of operations that say how many classes or outputs a target gives.
_WIDTHS = ("classes", "features", "channels")


def check_fits(profile: FabricProfile, dataset: LabelledData) -> None:
    """Whether a fabric takes the data's examples and gives what the data's task needs.

    Raises:
        InputError: it does not; the text names `--set` if that is the cure.
    """
    fabric = profile.fabric
    has, row = dataset.input_shape, TASKS[dataset.task]
    wanted = row.output_shape(len(dataset.class_names), has)
    for name, node in zip(fabric.sources, fabric.source_indices, strict=True):
        takes = profile.node_shapes[node]
        if takes != has:
            what = (
                f"the fabric's source {name} takes {shape_text(takes)}, but {dataset.name} has "
                f"{shape_text(has)}"
            )
            raise InputError(f'{what}: write input="{shape_text(has)}" on it')
    for name, node in zip(fabric.targets, fabric.target_indices, strict=True):
        gives = profile.node_shapes[node]
        if gives != wanted:
            what = (
                f"the fabric's target {name} gives {shape_text(gives)}, but {dataset.name} has "
                f"{row.has(wanted)}"
            )
            cure = f"{row.cure(wanted, gives)}{_heads(profile, node, wanted, gives)}"
            if wanted[0] < gives[0] and wanted[1:] == gives[1:] and not row.standardised:
                cure += _PART
            raise InputError(f"{what}: {cure}")


def _heads(profile: FabricProfile, target: int, wanted: Shape, gives: Shape) -> str:
    """Where the number of classes or outputs stands."""
    if len(wanted) != len(gives) or wanted[1:] != gives[1:]:
        return ""
    edges = [profile.fabric.edges[edge] for edge in profile.fabric.incoming[target]]
    places = [
        f"{word}={wanted[0]} on {edge.name}" for edge in edges for word in _WIDTHS if word in edge.arguments
    ]
    return f": write {', '.join(places)}" if places else ""
