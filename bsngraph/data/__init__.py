"""Data: names → examples, split once and checked, and their augmentation."""

from bsngraph.data.augmentation import Augmentation, parse_augmentation
from bsngraph.data.conversion import as_task
from bsngraph.data.data_code import load_data_code
from bsngraph.data.data_sources import DATA_SOURCES, load_data
from bsngraph.data.dataset import Dataset, Split

__all__ = [
    "DATA_SOURCES",
    "Augmentation",
    "Dataset",
    "Split",
    "as_task",
    "load_data",
    "load_data_code",
    "parse_augmentation",
]
