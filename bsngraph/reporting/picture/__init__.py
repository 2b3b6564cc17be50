"""The interactive picture of a page or a notebook: an architecture over its fabric →
one inline SVG, its facts as JSON, and the script and style that bring it to life.
"""

from bsngraph.reporting.picture.picture import (
    architecture_picture,
    picture_of,
    picture_script,
    picture_style,
)
from bsngraph.reporting.picture.subject import PictureSubject, subject_of, subject_of_run

__all__ = [
    "PictureSubject",
    "architecture_picture",
    "picture_of",
    "picture_script",
    "picture_style",
    "subject_of",
    "subject_of_run",
]
