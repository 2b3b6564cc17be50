"""A delivered network in a program: examples as it has them in, answers out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from bsngraph.data import Split
from bsngraph.data.data_sources import picture_resizer
from bsngraph.delivered.answering import answering_of_net
from bsngraph.delivered.load import Delivered, load_delivered
from bsngraph.delivered.predicting.batches import batches_of
from bsngraph.delivered.predicting.examples import without_labels
from bsngraph.delivered.predicting.network_answer import NetworkAnswer
from bsngraph.delivered.predicting.raw_values import RawReader
from bsngraph.measure import Hardware, find_hardware
from bsngraph.ops import Shape
from bsngraph.runs import RunFolder
from bsngraph.tasks import TASKS


class RunPredictor:
    """Answers for examples by the network that a run delivered.

    `input_shape` is the shape of one example, `task` and `class_names` are those of the
    training data.
    """

    def __init__(self, delivered: Delivered, reader: RawReader, hardware: Hardware) -> None:
        self.facts, self.reader, self.hardware = delivered.facts, reader, hardware
        self.net = delivered.net.to(hardware.device)

    @property
    def task(self) -> str:
        return self.facts.task

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.facts.classes

    @property
    def input_shape(self) -> Shape:
        return self.reader.shape

    def __call__(self, examples: Any) -> NetworkAnswer:
        """What the network says of one example or many; one gives an answer of one row.

        Pictures: names of image files, PIL images, or a list of these. They are turned,
        converted and resized as the run's own were.

        Arrays and tensors: raw values as the training data held them, (n, …) or one
        example alone; images with their channels first or last. They are normalised
        here.

        Vectors whose features have names: also a DataFrame, the name of a CSV file, a
        mapping from names to numbers, or a list of these. Columns are matched by name.

        Raises:
            InputError: the examples are none that the network takes; the text names
                what is wrong.
        """
        raw, facts = self.reader.read(examples)
        blank = TASKS[facts.task].labels.blank(len(raw), len(facts.classes), self.input_shape)
        dataset = without_labels("the examples", Split(raw, blank), facts).to(self.hardware.device)
        numbers = [str(number) for number in range(len(raw))]
        with self.hardware.in_use():
            answering = answering_of_net(self.net, dataset)
            batches = batches_of(answering, dataset, numbers, labelled=False)
            outputs = torch.cat([batch.outputs for batch in batches])
        task = self.facts.bound_task(torch.device("cpu"))
        shares = task.row.form.probabilities
        return NetworkAnswer(
            task=self.task,
            class_names=self.class_names,
            predicted=task.predicted(outputs).numpy(),
            probabilities=None if shares is None else shares(outputs).numpy(),
        )


def load_predictor(path: str | Path, *, device: str = "auto", threads: int | None = None) -> RunPredictor:
    """The network of the run folder `path` as a function of raw examples:

        answer = load_predictor("runs/first")(["a.png", "b.png"])
        answer.names, answer.predicted, answer.probabilities

    Raises:
        InputError: `path` holds no finished run, or files that do not fit each other or
            its certificate.
    """
    run = RunFolder(Path(path))
    delivered = load_delivered(run)
    profile = delivered.net.profile
    resize = picture_resizer(run.read_config().data.name) if run.file("config.json").exists() else None
    reader = RawReader(profile.node_shapes[profile.fabric.source_indices[0]], delivered.facts, resize)
    return RunPredictor(delivered, reader, find_hardware(device, threads))
