"""What a delivered network is used on: a data set that fits it, normalised as the
network was trained, on a device.
"""

from __future__ import annotations

from bsngraph.data import Dataset, as_task, load_data
from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.measure import Hardware
from bsngraph.profile import FabricProfile
from bsngraph.tasks import check_fits


def prepared_data(
    profile: FabricProfile, data: str | Dataset, facts: ModelFacts, hardware: Hardware
) -> Dataset:
    """The data set of that name, or `data` itself, for the network's task.

    Raises:
        InputError: unknown data, or data that does not fit the network.
    """
    dataset = as_task(load_data(data) if isinstance(data, str) else data, facts.task)
    check_fits(profile, dataset)
    return facts.normalising(dataset.to(hardware.device))
