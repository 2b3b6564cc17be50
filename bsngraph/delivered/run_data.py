"""A run's data met again: the examples that it recorded, in the data that it is used
on.

In: a run folder, and a data set for its task, with its classes and features. Out: the
data set with the run's own splits, and what a reader must know of the difference.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bsngraph.data import Dataset
from bsngraph.data.matching_names import with_classes, with_features
from bsngraph.data.recorded_splits import RecordedSplits, count_tainted, with_recorded_splits, without_seen
from bsngraph.data.splits import PARTS, SplitRows
from bsngraph.errors import InputError
from bsngraph.runs import RunFolder

Notes = tuple[str, ...]

_ONLY_EQUAL_LABELS = "; one with the inputs of such an example but another label counts as new"
AS_NEW_TEST = "or take the test split of these data as new test data by --as-new-test"


def with_splits_of_run(run: RunFolder, dataset: Dataset, cure: str = "") -> tuple[Dataset, Notes]:
    """`dataset` with the splits that `run` recorded. Examples that are in none of them
    are left out, and a note says how many.

    `cure` says what else than other data helps.

    Raises:
        InputError: an example of the run is missing or changed, or splits.json is
            missing, damaged or of a version that did not record examples.
    """
    recorded, before, now = _recorded(run), run.read_config().data.fingerprint, dataset.fingerprint()
    if recorded is None:
        if before == now:
            return dataset, ()
        raise InputError(
            f"{run.path}: an older version made this run and recorded no hashes of its examples, and the "
            f"data have changed (fingerprint {before}, now {now}): give the data as they were, or search "
            "again"
        )
    found, changes = with_recorded_splits(dataset, recorded)
    if not changes.whole:
        raise InputError(
            f"{dataset.name}: is not the data of {run.path} (fingerprint {before}, now {now}); "
            f"{changes.told()}: give the data as they were{', ' if cure else ''}{cure}"
        )
    if not changes.new:
        return found, ()
    told = (
        "1 example is new: it is in no split of the run and is left out"
        if changes.new == 1
        else f"{changes.new:,} examples are new: they are in no split of the run and are left out"
    )
    return found, (f"{dataset.name}: {told}",)


def with_new_test(run: RunFolder, dataset: Dataset) -> tuple[Dataset, Notes]:
    """`dataset` with its own test split, without the examples that `run` trained or
    chose on; a note says how many those are.

    Raises:
        InputError: no example is left, or the run did not record its examples.
    """
    recorded = _recorded(run)
    if recorded is None:
        raise InputError(
            f"{run.path}: an older version made this run and recorded no hashes of its examples, so that "
            "nothing tells whether test data are new: search again"
        )
    found, left_out = without_seen(dataset, recorded)
    new = f"{dataset.name}: its test split is taken as new test data: {len(found.test):,} examples"
    seen = f"; {left_out:,} that the run trained or chose on are left out" if left_out else ""
    return found, (f"{new}{seen}{'' if recorded.told_by_inputs else _ONLY_EQUAL_LABELS}",)


def check_not_seen(run: RunFolder, dataset: Dataset) -> None:
    """Make sure that a search of `dataset` which starts from the weights of `run` can
    choose and test on examples that these weights do not know.

    Raises:
        InputError: it cannot, or `run` did not record its examples.
    """
    if run.read_config().data.fingerprint == dataset.fingerprint():
        return
    recorded = _recorded(run)
    if recorded is None:
        raise InputError(
            f"{run.path}: an older version made this run, on other data, and recorded no hashes of its "
            "examples, so that nothing tells whether it trained on test data: leave out --warm-start"
        )
    tainted = count_tainted(dataset, recorded)
    if any(tainted.values()):
        told = " and ".join(
            f"{count:,} of the {len(dataset.splits()[part]):,} {part} examples"
            for part, count in tainted.items()
            if count
        )
        raise InputError(
            f"{dataset.name}: {run.path}, which is started from, trained or chose on {told}, so that their "
            "figures would say too much: start from a run with the splits of these data, or leave out "
            "--warm-start"
        )


def known_again(run: RunFolder, dataset: Dataset) -> tuple[Dataset, Notes]:
    """`dataset` as `run` had it, to go on with it: its classes, features, splits and
    normalisation. `dataset` is for the run's task.

    Raises:
        InputError: as `with_splits_of_run`; or classes or features do not match.
    """
    facts = run.read_config().data
    dataset = with_classes(with_features(dataset, facts.features), facts.classes)
    found, notes = with_splits_of_run(run, dataset)
    return replace(found, mean=facts.mean, std=facts.std), notes


def _recorded(run: RunFolder) -> RecordedSplits | None:
    """What splits.json says, None if it holds no hashes."""
    said = run.read_splits()
    if said.digests is None:
        return None
    train, validation, test = (np.array(getattr(said, part), dtype=np.int64) for part in PARTS)
    files = None if said.files is None else {part: getattr(said.files, part) for part in PARTS}
    digests = {part: getattr(said.digests, part) for part in PARTS}
    contents = None if said.contents is None else {part: getattr(said.contents, part) for part in PARTS}
    return RecordedSplits(SplitRows(train, validation, test, said.numbering, files), digests, contents)
