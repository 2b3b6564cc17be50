"""The lines of a table without labels → examples for a network that knows its
features.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from bsngraph.data import Split
from bsngraph.data.reading.precision import stored
from bsngraph.data.request import Notify, Request, parse_name
from bsngraph.data.sources.csv_table import OPTIONS, read_unlabelled
from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.delivered.predicting.examples import ExamplesAsked, without_labels
from bsngraph.tasks import TASKS


def unlabelled_lines(name: str, facts: ModelFacts, notify: Notify) -> ExamplesAsked | None:
    """The lines of the table that a data set's name says, if its columns are the
    network's features and nothing else; None for other data.

    Raises:
        InputError: the table cannot be read, or a line cannot be used.
    """
    kind, argument, options = parse_name(name)
    if kind != "csv" or not argument or facts.features is None or not set(options) <= set(OPTIONS):
        return None
    found = read_unlabelled(Request(name, kind, argument, options, notify=notify), facts.features)
    if found is None:
        return None
    inputs = torch.from_numpy(stored(name, found.features))
    blank = TASKS[facts.task].labels.blank(len(inputs), len(facts.classes), tuple(inputs.shape[1:]))
    dataset = replace(without_labels(name, Split(inputs, blank), facts), skipped=tuple(found.bad))
    return ExamplesAsked(dataset, list(map(str, found.lines)), "line")
