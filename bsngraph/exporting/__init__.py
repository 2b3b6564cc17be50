"""A run's network written for where bsngraph is not, and the proof that it is the same.

The room is called `exporting`, as `bsngraph.export` is the public function.
"""

from bsngraph.exporting.asking.exported_answers import evaluate_folder, predict_folder
from bsngraph.exporting.export import Exported, export
from bsngraph.exporting.formats import EXPORT_FORMATS
from bsngraph.exporting.options import ExportOptions

__all__ = [
    "EXPORT_FORMATS",
    "ExportOptions",
    "Exported",
    "evaluate_folder",
    "export",
    "predict_folder",
]
