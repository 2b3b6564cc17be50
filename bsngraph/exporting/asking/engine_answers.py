"""An engine's answers in the place of a network's outputs: raw examples of a data set
go in, what losses and metrics take comes out.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bsngraph.data import Dataset
from bsngraph.data.reading.channels import channel_shape
from bsngraph.delivered.answering import Answering
from bsngraph.errors import InputError
from bsngraph.exporting.engine import Engine, batch_of_examples
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.proof.measuring import answer_tensors, target_outputs
from bsngraph.tasks import Outputs


def answering_of_engine(engine: Engine, package: ExportPackage, dataset: Dataset) -> Answering:
    """What an engine answers to examples of a data set, turned back into outputs that
    losses and metrics take.
    """
    network, task = package.network, package.facts.bound_task(torch.device("cpu"))
    taken = _Units(package, dataset)
    targets = list(dict.fromkeys(each.target for each in network.outputs))

    def answer(raw: Tensor) -> Outputs:
        answered = answer_tensors(engine.run(batch_of_examples(network.inputs, taken(raw))))
        outputs = {target: target_outputs(answered, network, task, target) for target in targets}
        return outputs if len(outputs) > 1 else outputs[targets[0]]

    return answer


class _Units:
    """Raw examples of a data set in the units and the number type that an exported
    network takes, by the normalisation of both.
    """

    def __init__(self, package: ExportPackage, dataset: Dataset) -> None:
        (self.dtype,) = {np.dtype(each.dtype) for each in package.network.inputs}
        shape = channel_shape(len(dataset.input_shape) + 1)
        facts = package.facts
        self.same = (dataset.mean, dataset.std) == (facts.mean, facts.std)
        self.of_data, self.of_export = (
            tuple(np.array(values, dtype=np.float64).reshape(shape) for values in pair)
            for pair in ((dataset.mean, dataset.std), (facts.mean, facts.std))
        )

    def __call__(self, raw: Tensor) -> Tensor:
        """Examples (batch, …) as the network takes them.

        Raises:
            InputError: it takes whole numbers, and these are others or too large.
        """
        values = raw.cpu().numpy()
        if not self.same:
            (mean, std), (new_mean, new_std) = self.of_data, self.of_export
            values = (values - mean) / std * new_std + new_mean
        if self.dtype.kind == "f" or values.dtype == self.dtype:
            return torch.from_numpy(values.astype(self.dtype))
        with np.errstate(invalid="ignore"):  # of what is no number
            taken = np.rint(values).astype(self.dtype)
        if not np.allclose(taken, values, rtol=0, atol=1e-6):
            raise InputError(
                f"the exported network takes whole numbers ({self.dtype.name}) in the units of its data, and "
                "these examples are others: use the run instead, or export it from data of such examples"
            )
        return torch.from_numpy(taken)
