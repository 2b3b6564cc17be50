"""Run folders: the one place that knows what stands in a run."""

from bsngraph.runs.opening import open_run
from bsngraph.runs.run_folder import FILES, Json, OpenMode, RunFolder

__all__ = ["FILES", "Json", "OpenMode", "RunFolder", "open_run"]
