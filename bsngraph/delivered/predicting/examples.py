"""What a network is asked about: examples with what each is called, labelled or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bsngraph.data import Augmentation, Dataset, Split
from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.delivered.run_data import Notes


@dataclass(frozen=True)
class ExamplesAsked:
    """Examples as the test split of `dataset`, which is normalised for the network.

    `names` are their files, or the numbers of their lines; None where the labels are
    known: these examples are called by their numbers. `notes` say how the data differ
    from those of the run.
    """

    dataset: Dataset
    names: Sequence[str] | None
    called: Literal["file", "line", "example"]
    notes: Notes = ()

    def first_names(self, limit: int | None) -> Sequence[str]:
        """What the first `limit` examples are called, or all of them."""
        if self.names is not None:
            return self.names[:limit]
        return [str(number) for number in range(len(self.dataset.test))[:limit]]


def facts_of_pixels(facts: ModelFacts) -> ModelFacts:
    """The facts of a network that takes images, for pixels of image files: 0 to 255
    where its training data may have held other numbers.
    """
    assert facts.white is not None, "the network takes images"
    scale = 255 / facts.white
    return replace(
        facts,
        mean=tuple(scale * value for value in facts.mean),
        std=tuple(scale * value for value in facts.std),
    )


def without_labels(origin: str, split: Split, facts: ModelFacts) -> Dataset:
    """Examples whose labels say nothing as a data set, normalised as the network was
    trained.
    """
    return Dataset(
        origin,
        facts.classes,
        facts.mean,
        facts.std,
        split,
        split,
        split,
        Augmentation(),
        facts.task,
        facts.ignore_label,
    )
