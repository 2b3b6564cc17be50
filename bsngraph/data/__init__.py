"""Data: names → examples, split once, and their augmentation."""

from bsngraph.data.augmentation import Augmentation, parse_augmentation
from bsngraph.data.data_sources import DATA_SOURCES, load_data
from bsngraph.data.dataset import Dataset, Split, TaskKind
from bsngraph.data.reading.data_code import load_data_code

__all__ = [
    "DATA_SOURCES",
    "Augmentation",
    "Dataset",
    "Split",
    "TaskKind",
    "load_data",
    "load_data_code",
    "parse_augmentation",
]
