"""A `Reader` of image files with a class each, or with a mask each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bsngraph.data.reading.images.folder_listing import shown
from bsngraph.data.reading.images.picture_rule import PictureRule
from bsngraph.data.reading.survey import Example


@dataclass(frozen=True)
class ImageFiles:
    """A `Reader` of image files with a class each, or of image files with a mask
    each.
    """

    root: Path
    images: tuple[str, ...]
    rule: PictureRule
    labels: tuple[int, ...] = ()
    masks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def place(self, row: int) -> str:
        """The image's path."""
        return shown(self.root / self.images[row])

    def read(self, row: int) -> Example:
        """Decode an image, and its mask."""
        image = self.root / self.images[row]
        if self.labels:
            return Example(self.rule.image(image), self.labels[row])
        mask = self.root / self.masks[row]
        return self.rule.pair(image, mask, f"its mask {shown(mask)}")
