"""Tiny things that several test files share: data of a few examples, fabrics of a few
edges, recipes of a few epochs.

`stripes()`: 4x4 images of vertical or horizontal stripes, of either sign and phase:
every single pixel is as likely to be light in one class as in the other, so a network
must look at neighbours (a 3x3 kernel) to tell them apart.

`STRIPES`: the fabric for it, five searchable edges. `image->h#wide` is the only 3x3
convolution; inside `price=4` it leaves nothing for `h->g#mix`, so {wide, h->g#skip} is
the one sub-network inside that can learn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bsngraph.costs import Costs
from bsngraph.data import Augmentation, Dataset, Split
from bsngraph.fabric import Fabric, read_fabric
from bsngraph.measure import find_hardware
from bsngraph.profile import FabricProfile
from bsngraph.searching.prepare import Job, prepare
from bsngraph.searching.request import Destination, Goal, Method
from bsngraph.settings import Recipe, SearchSettings
from bsngraph.training import Silent

STRIPES = """\
digraph stripes {
  graph [format=1, source=image, target=scores, channels=6];
  edge  [op=conv, channels="$channels", kernel=3, norm=none];
  image [input="1x4x4"];
  h     [activation=relu];
  g     [activation=relu];
  image -> h [key=wide, cost_price=4];
  image -> h [key=narrow, kernel=1, cost_price=1];
  image -> h [key=skip, op=shortcut, cost_price=1];
  h -> g [key=mix, kernel=1, cost_price=3];
  h -> g [key=skip, op=identity, cost_price=0];
  g -> scores [op=classifier, classes=2, fixed=true, cost_price=0];
}
"""

#: The same with BatchNorm.
STRIPES_NORM = STRIPES.replace("norm=none", "norm=batch")

#: The same with BatchNorm and a dropout edge: everything that is random or has state.
STRIPES_DROPOUT = STRIPES_NORM.replace(
    "  h -> g [key=skip", "  h -> g [key=drop, op=dropout, rate=0.3, cost_price=1];\n  h -> g [key=skip"
)

#: Limits of no budgets, (0, 1): all that a Γ without budgets is asked with.
NO_LIMITS: Costs = np.zeros((0, 1))

#: For scikit-learn's digits, as small as can be.
DIGITS = """\
digraph tiny_digits {
  graph [format=1, source=image, target=scores, channels=4, classes=10];
  edge  [op=conv, channels="$channels", kernel=1];
  image [input="1x8x8"];
  image -> a [stride=4, fixed=true, cost_energy=1];
  a -> b [cost_energy=2];
  a -> b [op=identity, cost_energy=0];
  a -> b [kernel=3, cost_energy=5];
  b -> scores [op=classifier, classes="$classes", fixed=true, cost_energy=1];
}
"""


def fabric_of(text: str, folder: Path, settings: dict[str, Any] | None = None) -> Fabric:
    """A fabric from DOT text, by way of a file in `folder`."""
    return read_fabric(written(text, folder), settings)


def written(text: str, folder: Path, name: str = "fabric.dot") -> Path:
    """DOT text as a file in `folder`."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def stripes(train: int = 64, validation: int = 64, test: int = 64, *, noise: float = 0.3) -> Dataset:
    """The stripes: deterministic, balanced, float32."""
    generator = torch.Generator().manual_seed(20)

    def split(count: int) -> Split:
        labels = torch.arange(count) % 2
        phase = torch.randint(2, (count, 1, 1), generator=generator)
        lines = (torch.arange(4)[None, :, None] + phase).expand(count, 4, 4) % 2 * 2.0 - 1.0  # rows alternate
        images = torch.where(labels[:, None, None] == 1, lines.transpose(1, 2), lines)
        images = images + noise * torch.randn(images.shape, generator=generator)
        return Split(images[:, None].contiguous(), labels)

    return Dataset(
        name="stripes",
        class_names=("rows", "columns"),
        mean=(0.0,),
        std=(1.0,),
        train=split(train),
        validation=split(validation),
        test=split(test),
        augmentation=Augmentation(shift=1, flip=True),
    )


def recipe(**more: Any) -> Recipe:
    """Three epochs of four steps."""
    return Recipe(**{"epochs": 3, "batch_size": 16, "learning_rate": 0.1, "augment": True} | more)


def settings(**more: Any) -> SearchSettings:
    """Few candidates and no finalists, two epochs of fine-tuning, a fixed penalty."""
    usual = {"candidates": 4, "finalists": 0, "finetune_epochs": 2, "burn_in": 0.2, "settle": 0.6, "aim": 1.0}
    return SearchSettings(**usual | {"penalty": 3.0, "adapt_penalty": False} | more)


def job_of(fabric: Fabric | FabricProfile, folder: Path, *budgets: str, **more: Any) -> Job:
    """A search of the stripes on one CPU thread; `more` are fields of its method."""
    return prepare(
        fabric,
        Goal(data=stripes(), budgets=budgets),
        Method(**{"recipe": recipe(), "settings": settings()} | more),
        find_hardware("cpu", 1),
        Destination(folder / "run"),
        Silent(),
    )


def no_pictures(patch: pytest.MonkeyPatch) -> None:
    """Runs write stand-ins of their pictures: Graphviz and matplotlib take longer than
    a whole tiny search.
    """
    patch.setattr(
        "bsngraph.searching.delivering.pictures.render_dot",
        lambda source, path: path.write_text(source, encoding="utf-8"),
    )
    patch.setattr(
        "bsngraph.searching.delivering.pictures.render_curves",
        lambda rows, path: path.write_text(str(len(rows)), encoding="utf-8"),
    )
