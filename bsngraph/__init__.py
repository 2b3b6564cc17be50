"""bsngraph: find the best network that fits a budget.

```python
import bsngraph

fabric = bsngraph.read_fabric("fabrics/digits.dot")
result = bsngraph.search(fabric, "digits", ["macs=25%"], out="runs/first")
print(result.test_accuracy)
```

Importing the package is light: names that need torch are loaded on first use (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from bsngraph._version import __version__ as __version__
from bsngraph.displayed import Displayed

if TYPE_CHECKING:
    from bsngraph.data import Dataset, load_data
    from bsngraph.delivered import evaluate_run, load_net, load_predictor, predict
    from bsngraph.draw import fabric_drawing, render, render_dot
    from bsngraph.errors import BsngraphError, FabricError, InfeasibleBudgetError, InputError
    from bsngraph.exporting import Exported, ExportOptions, export
    from bsngraph.fabric import (
        Architecture,
        Edge,
        Fabric,
        Node,
        architecture_of,
        fabric_from_networkx,
        read_fabric,
        to_pydot,
        write_fabric,
    )
    from bsngraph.ops import operation
    from bsngraph.profile import FabricProfile, profile_fabric
    from bsngraph.reporting import report
    from bsngraph.runs.fronts import front
    from bsngraph.runs.rows.front import Front
    from bsngraph.searching import EdgeSearch, Result, prune_run, search, train
    from bsngraph.searching.learning.gamma.gamma import Gamma
    from bsngraph.searching.learning.step import LearnState, draw_samples, learn_step
    from bsngraph.settings import Recipe, SearchSettings
    from bsngraph.supernet import SuperNet, compile_fabric, prune, prune_net
    from bsngraph.sweeping.outcomes.swept_runs import Sweep
    from bsngraph.sweeping.sweep import sweep

_HOMES = {
    "bsngraph.profile": ("FabricProfile", "profile_fabric"),
    "bsngraph.data": ("Dataset", "load_data"),
    "bsngraph.draw": ("fabric_drawing", "render", "render_dot"),
    "bsngraph.errors": ("BsngraphError", "FabricError", "InfeasibleBudgetError", "InputError"),
    "bsngraph.fabric": (
        "Architecture",
        "Edge",
        "Fabric",
        "Node",
        "architecture_of",
        "fabric_from_networkx",
        "read_fabric",
        "to_pydot",
        "write_fabric",
    ),
    "bsngraph.ops": ("operation",),
    "bsngraph.exporting": ("ExportOptions", "Exported", "export"),
    "bsngraph.delivered": ("evaluate_run", "load_net", "load_predictor", "predict"),
    "bsngraph.reporting": ("report",),
    "bsngraph.runs.fronts": ("front",),
    "bsngraph.runs.rows.front": ("Front",),
    "bsngraph.searching": ("EdgeSearch", "Result", "prune_run", "search", "train"),
    "bsngraph.searching.learning.gamma.gamma": ("Gamma",),
    "bsngraph.searching.learning.step": ("LearnState", "draw_samples", "learn_step"),
    "bsngraph.settings": ("Recipe", "SearchSettings"),
    "bsngraph.supernet": ("SuperNet", "compile_fabric", "prune", "prune_net"),
    "bsngraph.sweeping.outcomes.swept_runs": ("Sweep",),
    "bsngraph.sweeping.sweep": ("sweep",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Architecture",
    "BsngraphError",
    "Dataset",
    "Edge",
    "EdgeSearch",
    "ExportOptions",
    "Exported",
    "Fabric",
    "FabricError",
    "FabricProfile",
    "Front",
    "Gamma",
    "InfeasibleBudgetError",
    "InputError",
    "LearnState",
    "Node",
    "Recipe",
    "Result",
    "SearchSettings",
    "SuperNet",
    "Sweep",
    "architecture_of",
    "compile_fabric",
    "draw_samples",
    "evaluate_run",
    "export",
    "fabric_drawing",
    "fabric_from_networkx",
    "front",
    "learn_step",
    "load_data",
    "load_net",
    "load_predictor",
    "operation",
    "predict",
    "profile_fabric",
    "prune",
    "prune_net",
    "prune_run",
    "read_fabric",
    "render",
    "render_dot",
    "report",
    "search",
    "sweep",
    "to_pydot",
    "train",
    "write_fabric",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'bsngraph' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _cell_svg(noun: Displayed) -> str | None:
    from bsngraph.notebook.cell_output import cell_svg

    return cell_svg(noun)


def _cell_html(noun: Displayed) -> str | None:
    from bsngraph.notebook.cell_output import cell_html

    return cell_html(noun)


Displayed.draw_by(_cell_svg, _cell_html)
