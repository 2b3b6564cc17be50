"""An exported folder for the Hub, loaded again as one of Python is."""

from __future__ import annotations

from pathlib import Path

from bsngraph.exporting.engine import TorchEngine
from bsngraph.exporting.hugging_face.writing import hub_source
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.python.running import checked_texts, loaded_engine
from bsngraph.exporting.python.writing import code_files


def load_hub_folder(folder: Path, package: ExportPackage, trusted: bool) -> TorchEngine:
    """The engine of a folder that `write_hub_folder` wrote.

    Raises:
        InputError: as `load_python`.
    """
    source, copied = hub_source(package, include_ops=True)
    texts = checked_texts(folder, code_files(source, copied), trusted=trusted)
    return loaded_engine(folder, package, texts, source.class_name)
