"""Data: names → tensors, split once, and their augmentation."""

from bsngraph.data.dataset import Augmentation, Dataset, Split
from bsngraph.data.table import DATA_SOURCES, load_data

__all__ = ["DATA_SOURCES", "Augmentation", "Dataset", "Split", "load_data"]
