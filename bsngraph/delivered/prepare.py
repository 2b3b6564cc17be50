"""What a delivered network is used on: a data set that fits it, normalised as the
network was trained, on a device.
"""

from __future__ import annotations

from bsngraph.data import Dataset, as_task, load_data
from bsngraph.data.matching_names import with_classes, with_features
from bsngraph.delivered.load import Delivered
from bsngraph.delivered.run_data import AS_NEW_TEST, Notes, with_new_test, with_splits_of_run
from bsngraph.measure import Hardware
from bsngraph.runs import RunFolder
from bsngraph.tasks import check_fits


def prepared_data(
    run: RunFolder, delivered: Delivered, data: str | Dataset, hardware: Hardware, *, as_new_test: bool
) -> tuple[Dataset, Notes]:
    """The data set of that name, or `data` itself, for the network that `run`
    delivered, with the splits of the run; and what is to be said of the difference.

    Classes and features are matched by name. `as_new_test` takes the test split of the
    data instead of the run's, without examples that the run trained or chose on.

    Raises:
        InputError: unknown data, data that do not fit the network, or data in which
            examples of the run are missing or changed.
    """
    facts = delivered.facts
    dataset = with_features(load_data(data) if isinstance(data, str) else data, facts.features)
    dataset = with_classes(as_task(dataset, facts.task), facts.classes)
    check_fits(delivered.net.profile, dataset)
    dataset, notes = (
        with_new_test(run, dataset) if as_new_test else with_splits_of_run(run, dataset, AS_NEW_TEST)
    )
    return facts.normalising(dataset.to(hardware.device)), notes
