"""The YAML at the head of a model card, by which the Hub sorts and shows a model."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bsngraph.exporting.package import ExportPackage
from bsngraph.tasks import TASKS
from bsngraph.wording import printable

_PIPELINES = {
    ("classification", "NCHW"): "image-classification",
    ("multi-label", "NCHW"): "image-classification",
    ("segmentation", "NCHW"): "image-segmentation",
    ("classification", "NC"): "tabular-classification",
    ("multi-label", "NC"): "tabular-classification",
    ("regression", "NC"): "tabular-regression",
}
"""What the Hub calls a task on inputs of a layout."""


def front_matter(package: ExportPackage) -> str:
    """The lines from `---` to `---`."""
    return "\n".join(["---", *_lines(package), "---", "", ""])


def _lines(package: ExportPackage) -> Iterator[str]:
    task, layout = package.facts.task, package.network.inputs[0].layout
    headline = TASKS[task].headline
    pipeline = _PIPELINES.get((task, layout))
    yield "license: other  # fill in: the license of the network and of its data"
    yield "library_name: pytorch"
    yield "tags:"
    yield from ("- bsngraph", "- model_hub_mixin", "- pytorch_model_hub_mixin")
    if pipeline is not None:
        yield f"pipeline_tag: {pipeline}"
    yield "metrics:"
    yield f"- {headline.name}"
    yield "model-index:"
    yield f"- name: {_text(package.name)}"
    yield "  results:"
    yield "  - task:"
    yield f"      type: {pipeline or task}"
    yield "    dataset:"
    yield f"      name: {_text(package.config.data.name)}"
    yield f"      type: {_text(package.config.data.name)}"
    yield "    metrics:"
    yield f"    - type: {headline.name}"
    yield f"      value: {json.dumps(package.result.metrics.test[headline.name])}"


def _text(text: str) -> str:
    """A text as YAML writes it: as JSON does, without what either escapes otherwise."""
    return json.dumps(printable(text), ensure_ascii=False)
