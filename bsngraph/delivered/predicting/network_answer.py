"""What a delivered network answers, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsngraph.tasks import TASKS
from bsngraph.tasks.label_forms import Array


@dataclass(frozen=True, eq=False, repr=False)
class NetworkAnswer:
    """What a network says of n examples, a row for each.

    `predicted`: class numbers (n,) int64; for segmentation a class for each pixel (n,
    height, width); amounts (n, outputs) in their own units; or which classes apply (n,
    classes) Boolean. `class_names` are the classes, for regression the outputs.
    `probabilities` are (n, classes), for segmentation (n, classes, height, width); None
    for amounts.
    """

    task: str
    class_names: tuple[str, ...]
    predicted: Array
    probabilities: Array | None

    def __len__(self) -> int:
        return len(self.predicted)

    def __repr__(self) -> str:
        first = "; ".join(self.names[:3])
        return f"NetworkAnswer({self.task} of {len(self)}: {first}{'; …' if len(self) > 3 else ''})"

    @property
    def names(self) -> tuple[str, ...]:
        """What is predicted of each example, in words: its class, the classes that
        apply, those of its pixels, or its amounts.
        """
        layout, names = TASKS[self.task].labels.layout, self.class_names
        if layout == "class":
            return tuple(names[one] for one in self.predicted.tolist())
        if layout == "map":
            return tuple(", ".join(names[one] for one in np.unique(each)) for each in self.predicted)
        if self.predicted.dtype == np.bool_:
            return tuple(
                ", ".join(name for name, holds in zip(names, each, strict=True) if holds)
                for each in self.predicted.tolist()
            )
        return tuple(
            ", ".join(f"{name} {amount:.6g}" for name, amount in zip(names, each, strict=True))
            for each in self.predicted.tolist()
        )
