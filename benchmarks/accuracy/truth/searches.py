"""How far searches are from the best network there is, by the table of true accuracies.

Each search chooses inside a share of the MACs of a small fabric, a smaller and a larger
one; what it chose is looked up in the table. The best network is cross-fitted: the best
one inside the budget on one half of the table's seeds, scored on the other half, and
the other way round, since the largest of many noisy figures flatters itself.
`searches.csv` beside this file holds a row for each search; what it holds already is
not run again. The table stands in RESULTS.md.

    python -m benchmarks.truth.searches [--variant default …] [--seeds 3] [--limit N]
"""

from __future__ import annotations

import argparse
import itertools
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.truth.table import FABRICS, append_row, edges_text, read_fabric, read_rows
from benchmarks.truth.tried import Change, annealed_entropy, control_variate, few_samples, nothing, sandwich

import bsngraph
from bsngraph.searching.choosing.oracle import every_architecture
from bsngraph.settings import resolve_settings

HERE = Path(__file__).parent
ROWS = HERE / "searches.csv"
DATA = "fashion-mnist,size=14,train=6000,validation=2000"
# % of the MACs, on both sides of half of them
BUDGETS: Mapping[str, tuple[int, int]] = {"blocks": (40, 60), "cell": (45, 65)}
RECIPE: Mapping[str, Any] = {"epochs": 20, "batch_size": 64, "augment": False}
FIELDS = ("variant", "fabric", "budget", "seed", "edges", "share", "expected", "entropy", "cpu_seconds")


@dataclass(frozen=True)
class Variant:
    """A way to search: changes to the defaults, or to those of a preset; whether it
    starts from the search of the other budget; what is patched.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None
    warm: bool = False
    change: Change = nothing


VARIANTS: Mapping[str, Variant] = {
    "default": Variant(),
    "8 finalists, no explorers": Variant(settings={"finalists": 8, "explorer_share": 0.0}),
    "8 finalists, no explorers, no fair samples": Variant(
        settings={"finalists": 8, "explorer_share": 0.0, "fair_share": 0.0}
    ),
    "no finalists": Variant(settings={"finalists": 0}),
    "no finalists, batch-mean baseline": Variant(settings={"finalists": 0, "baseline": "batch-mean"}),
    "no finalists, the limit stands at once": Variant(
        settings={"finalists": 0, "settle": bsngraph.SearchSettings.burn_in}
    ),
    "no finalists, control variate": Variant(settings={"finalists": 0}, change=control_variate),
    "no finalists, annealed entropy": Variant(settings={"finalists": 0}, change=annealed_entropy),
    "no finalists, eight samples a batch": Variant(settings={"finalists": 0}, change=few_samples),
    "no finalists, sandwich": Variant(settings={"finalists": 0}, change=sandwich),
    "warm start from the other budget": Variant(recipe={"epochs": 8, "learning_rate": 0.05}, warm=True),
    "preset paper": Variant(preset="paper", recipe={"drops": (0.5, 0.75)}),
}


@dataclass(frozen=True)
class Truth:
    """True accuracies, in points, of the sub-networks of a fabric that are inside a
    budget: by their edges, a figure for each seed.
    """

    accuracies: Mapping[str, tuple[float, ...]]

    @property
    def best(self) -> float:
        """The accuracy of the best network, chosen on one half of the seeds and scored
        on the other.
        """
        table = np.array(list(self.accuracies.values()))
        half = table.shape[1] // 2
        halves = table[:, :half].mean(axis=1), table[:, half:].mean(axis=1)
        return float(np.mean([there[here.argmax()] for here, there in (halves, halves[::-1])]))

    @property
    def typical(self) -> float:
        """The mean accuracy of all of them."""
        return statistics.mean(map(statistics.mean, self.accuracies.values()))

    def regret(self, edges: str) -> float:
        """By how many points a network is worse than the best."""
        return self.best - statistics.mean(self.accuracies[edges])


def read_truth(fabric: str, budget: int) -> Truth:
    """The table inside a budget, with the seeds that every one of its networks was
    trained with.
    """
    profile = bsngraph.profile_fabric(read_fabric(fabric))
    limit = budget / 100 * profile.macs.sum()
    inside = [a for a in every_architecture(profile.fabric) if profile.macs[list(a.live)].sum() <= limit]
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for row in read_rows():
        if row["fabric"] == fabric:
            found[row["edges"]][int(row["seed"])] = 100 * float(row["test_accuracy"])
    known = {edges_text(architecture): found[edges_text(architecture)] for architecture in inside}
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in known.values())))
    return Truth({edges: tuple(by_seed[seed] for seed in seeds) for edges, by_seed in known.items()})


def search(
    profile: bsngraph.FabricProfile,
    variant: Variant,
    budget: int,
    seed: int,
    out: Path,
    warm_start: Path | None = None,
) -> bsngraph.Result:
    recipe, settings = resolve_settings(
        variant.preset,
        warm=warm_start is not None,
        recipe={**RECIPE, **variant.recipe},
        settings={"finalist_epochs": 5, "finetune_epochs": 0, **variant.settings},
    )
    return bsngraph.search(
        profile,
        DATA,
        [f"macs={budget}%"],
        out=out,
        seed=seed,
        recipe=recipe,
        settings=settings,
        warm_start=warm_start,
        device="cpu",
        threads=1,
    )


def measure(variant: Variant, fabric: str, budget: int, seed: int) -> dict[str, object]:
    """The row of a search; its seconds are without those of the search that it starts
    from.
    """
    profile = bsngraph.profile_fabric(read_fabric(fabric))
    with tempfile.TemporaryDirectory() as folder:
        before = None
        if variant.warm:
            (other,) = set(BUDGETS[fabric]) - {budget}
            before = search(profile, VARIANTS["default"], other, seed, Path(folder) / "before").run.path
        start = time.process_time()
        with variant.change(profile):
            result = search(profile, variant, budget, seed, Path(folder) / "run", before)
        last = [row for row in result.run.read_metrics() if row["stage"] == "search"][-1]
    limit = budget / 100 * float(profile.macs.sum())
    return {
        "edges": edges_text(result.architecture),
        "share": f"{profile.macs[list(result.architecture.live)].sum() / limit:.3f}",
        "expected": f"{last['costs']['macs']['sampled'] / limit:.3f}",
        "entropy": f"{last['entropy']:.3f}",
        "cpu_seconds": f"{time.process_time() - start:.0f}",
    }


def _problems() -> list[tuple[str, int]]:
    return [(fabric, budget) for fabric in FABRICS for budget in BUDGETS[fabric]]


def _done(variant: str, fabric: str, budget: int, seed: int) -> bool:
    return any(
        [row[name] for name in FIELDS[:4]] == [variant, fabric, str(budget), str(seed)]
        for row in read_rows(ROWS)
    )


def report(rows: Sequence[Mapping[str, str]]) -> str:
    """Markdown: for each fabric and budget what there is to gain, and the regret of
    each way to search.
    """
    lines = [
        "| fabric | budget | networks inside | best | typical | search | n | regret | each | spent | "
        "expected cost | entropy | CPU s |",
        "|---|---:|---:|---:|---:|---|---:|---:|---|---:|---:|---:|---:|",
    ]
    for fabric, budget in _problems():
        truth = read_truth(fabric, budget)
        known = (
            f"| {fabric} | {budget} % | {len(truth.accuracies)} | {truth.best:.2f} % | "
            f"{truth.best - truth.typical:.2f} below |"
        )
        for variant in VARIANTS:
            mine = [
                row
                for row in rows
                if (row["variant"], row["fabric"], row["budget"]) == (variant, fabric, str(budget))
            ]
            if mine:
                regrets = [truth.regret(row["edges"]) for row in mine]
                spent, expected, entropy, seconds = (
                    statistics.mean(float(row[name]) for row in mine)
                    for name in ("share", "expected", "entropy", "cpu_seconds")
                )
                each = ", ".join(f"{regret:.1f}" for regret in regrets)
                means = f"{100 * spent:.0f} % | {100 * expected:.0f} % | {entropy:.2f} | {seconds:.0f} |"
                lines.append(
                    f"{known} {variant} | {len(mine)} | {statistics.mean(regrets):.2f} | {each} | {means}"
                )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variant", nargs="+", choices=tuple(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--limit", type=int, default=None, help="how many searches to run; 0 for the table alone"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    wanted = itertools.product(options.variant, range(options.seeds), _problems())
    keys = [(v, f, b, s) for v, s, (f, b) in wanted if not _done(v, f, b, s)]
    for variant, fabric, budget, seed in keys[: options.limit]:
        if _done(variant, fabric, budget, seed):  # by a process beside this one
            continue
        row = measure(VARIANTS[variant], fabric, budget, seed)
        append_row(ROWS, FIELDS, dict(zip(FIELDS, (variant, fabric, budget, seed), strict=False)) | row)
        print(f"{variant}, {fabric}, {budget} %, seed {seed}: {row}", flush=True)
    text = report(read_rows(ROWS))
    print(text)
    page = HERE.parent / "RESULTS.md"
    marked = f"<!-- truth -->\n{text}\n<!-- /truth -->"
    page.write_text(
        re.sub(
            r"<!-- truth -->\n.*?<!-- /truth -->", lambda _: marked, page.read_text("utf-8"), flags=re.DOTALL
        ),
        "utf-8",
    )


if __name__ == "__main__":
    main()
