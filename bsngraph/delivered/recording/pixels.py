"""A class for each pixel: the confusion matrix of pixels, and a few examples as small
pictures.
"""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.delivered.recording.amounts import evenly
from bsngraph.delivered.recording.classes import confusions
from bsngraph.draw.pixel_overlays import MOST_CLASSES, ImageBytes
from bsngraph.draw.thumbnails import small_class_map, thumbnail
from bsngraph.runs.rows.answers import LONGEST_SIDE, MOST_SAMPLES, PixelAnswers, PixelSample
from bsngraph.tasks.metrics import PixelOverlap

ClassNumbers = NDArray[np.int64]


class PixelRecorder:
    """Predictions and labels (batch, height, width) of a segmentation. The samples are
    evenly spread over the split, whatever was answered.
    """

    def __init__(self, facts: ModelFacts, examples: int) -> None:
        self.facts, self.seen = facts, 0
        self.overlap = PixelOverlap(facts.classes, facts.ignore_label)
        # a class map has a value besides for what is ignored
        self.wanted = evenly(examples, MOST_SAMPLES) if len(facts.classes) < MOST_CLASSES else []
        self.samples: list[PixelSample] = []

    def update(self, inputs: Tensor, predicted: Tensor, labels: Tensor) -> None:
        self.overlap.compare(predicted, labels)
        for number in self.wanted:
            row = number - self.seen
            if 0 <= row < len(labels):
                image = self.facts.pixels(inputs[row : row + 1].cpu())[0]
                maps = (each[row].long().cpu().numpy() for each in (labels, predicted))
                self.samples.append(_sample(number, image, self.facts.classes, *maps))
        self.seen += len(labels)

    def recorded(self) -> PixelAnswers:
        matrix = self.overlap.confusion().numpy()
        true, predicted = np.nonzero(matrix)
        found = confusions(self.facts.classes, true, predicted, matrix[true, predicted])
        return PixelAnswers(
            examples=self.seen,
            classes=found.scores(overlaps=True),
            pairs=found.pairs(),
            unlisted=found.unlisted(),
            samples=tuple(self.samples),
        )


def _sample(
    number: int, image: ImageBytes, names: tuple[str, ...], truth: ClassNumbers, predicted: ClassNumbers
) -> PixelSample:
    files = (
        thumbnail(image, LONGEST_SIDE),
        small_class_map(truth, names, LONGEST_SIDE),
        small_class_map(predicted, names, LONGEST_SIDE),
    )
    picture, true, said = (base64.b64encode(file).decode() for file in files)
    return PixelSample(example=number, image=picture, truth=true, predicted=said)
