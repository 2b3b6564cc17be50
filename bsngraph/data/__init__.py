"""Data: names → examples, split once, and their augmentation."""

from bsngraph.data.augmentation import Augmentation, parse_augmentation
from bsngraph.data.dataset import Dataset, Split, TaskKind
from bsngraph.data.load import load_data_code
from bsngraph.data.table import DATA_SOURCES, load_data

__all__ = ["DATA_SOURCES", "Augmentation", "Dataset", "Split", "TaskKind", "load_data", "load_data_code", "parse_augmentation"]
