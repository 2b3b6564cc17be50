"""The lines of a table without labels → examples for a network that knows its
features.
"""

from __future__ import annotations

import torch

from bsngraph.data.reading.precision import stored
from bsngraph.data.request import Request, parse_name
from bsngraph.data.sources.csv_table import OPTIONS, read_unlabelled
from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.delivered.predicting.unlabelled import Unlabelled, without_labels


def unlabelled_lines(name: str, facts: ModelFacts) -> Unlabelled | None:
    """The lines of the table that a data set's name says, if its columns are the
    network's features and nothing else; None for other data.

    Raises:
        InputError: the table cannot be read, or a line cannot be used.
    """
    kind, argument, options = parse_name(name)
    if kind != "csv" or not argument or facts.features is None or not set(options) <= set(OPTIONS):
        return None
    found = read_unlabelled(Request(name, kind, argument, options), facts.features)
    if found is None:
        return None
    values, lines = found
    inputs = torch.from_numpy(stored(name, values))
    return Unlabelled(without_labels(name, inputs, facts), list(map(str, lines)), "line")
