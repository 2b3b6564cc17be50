"""model.safetensors: weights by edge name, and what is needed to use them."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import save as save_safetensors

from bsngraph.delivered.model_facts import facts_of
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet, named_weights
from bsngraph.whole_files import write_whole


def write_weights(job: Job, file: Path, net: SuperNet) -> None:
    """Write a safetensors file: weights by edge name; normalisation and class names in
    the metadata.
    """
    tensors = {name: tensor.cpu().contiguous().clone() for name, tensor in named_weights(net).items()}
    metadata = facts_of(job.dataset).metadata()
    write_whole(file, _sorted_metadata(save_safetensors(tensors, metadata=metadata)))


def _sorted_metadata(model: bytes) -> bytes:
    """The same safetensors file with its metadata sorted: the library writes them in
    another order each time.
    """
    size = int.from_bytes(model[:8], "little")
    header = json.loads(model[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + model[8 + size :]
