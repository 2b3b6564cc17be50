"""Whether λ finds itself: where the expected cost ends when λ starts at 10⁻³, 1 and
10³, on two fabrics and two budgets.

Only the learning of a search runs, by its default recipe, on the digits, seed 0, one
thread. Expected is the mean cost of the last epoch's samples, thresholded the cost of
the edges with Γ over a half, both in shares of the budget. Rows that multipliers.csv
holds already are not run again; each takes one to two minutes.

    python benchmarks/multipliers.py [--rows 12]
"""

from __future__ import annotations

import argparse
import csv
import itertools
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import bsngraph
from bsngraph.fabric.families import cnf_fabric
from bsngraph.runs import Json
from bsngraph.searching.learning.search_learning import Learning
from bsngraph.searching.prepare import prepare
from bsngraph.training import Silent, derived_seed

HERE = Path(__file__).parent
ROWS = HERE / "multipliers.csv"
FABRICS: Mapping[str, Callable[[], bsngraph.Fabric]] = {
    "digits.dot": lambda: bsngraph.read_fabric(HERE.parent / "fabrics" / "digits.dot"),
    "CNF 1x8x8, 4 layers of 8": lambda: cnf_fabric(input_shape=(1, 8, 8), classes=10, layers=4, channels=8),
}
BUDGETS = ("macs=25%", "macs=50%")
STARTS = ("0.001", "1", "1000")
LEAST, MOST = 0.90, 1.02
SEED = 0

Key = tuple[str, str, str]
Rows = dict[Key, dict[str, str]]


def learn(fabric: bsngraph.Fabric, budget: str, start: float) -> Json:
    """The last epoch's metrics of a search that starts with λ at `start`."""
    job = prepare(
        fabric,
        "digits",
        [budget],
        recipe=bsngraph.Recipe(),
        settings=bsngraph.SearchSettings(penalty=start),
        seed=SEED,
        device="cpu",
        threads=1,
    )
    epochs: list[Json] = []
    with job.hardware.in_use():
        net = bsngraph.compile_fabric(job.profile, seed=derived_seed(SEED, "weights"))
        Learning(net, job.dataset, job.budgets, job.costs, job.recipe, job.settings, SEED).run(
            Silent(), epochs.append
        )
    return epochs[-1] | {"limit": job.budgets[0].limit}


def row_of(key: Key, last: Json, seconds: float) -> dict[str, str]:
    fabric, budget, start = key
    cost = budget.partition("=")[0]
    return {
        "fabric": fabric,
        "budget": budget,
        "λ starts at": start,
        "expected / budget": f"{last['costs'][cost]['sampled'] / last['limit']:.4f}",
        "thresholded / budget": f"{last['costs'][cost]['thresholded'] / last['limit']:.4f}",
        "λ ends at": f"{last['penalty'][cost]:.3g}",
        "entropy of Γ": f"{last['entropy']:.3f}",
        "validation accuracy": f"{last['validation_accuracy']:.4f}",
        "seconds": f"{seconds:.0f}",
    }


def read_rows() -> Rows:
    if not ROWS.exists():
        return {}
    with ROWS.open(encoding="utf-8") as file:
        return {(row["fabric"], row["budget"], row["λ starts at"]): row for row in csv.DictReader(file)}


def write_rows(rows: Rows) -> None:
    with ROWS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, next(iter(rows.values())), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows", type=int, default=12, help="how many of the rows that are not there yet to run"
    )
    options = parser.parse_args()
    rows, keys = read_rows(), list(itertools.product(FABRICS, BUDGETS, STARTS))
    for key in [key for key in keys if key not in rows][: options.rows]:
        began = time.perf_counter()
        last = learn(FABRICS[key[0]](), key[1], float(key[2]))
        rows[key] = row_of(key, last, time.perf_counter() - began)
        rows = {known: rows[known] for known in keys if known in rows}
        write_rows(rows)
        print(
            f"{', '.join(key)}: {rows[key]['expected / budget']} of the budget ({rows[key]['seconds']} s)",
            flush=True,
        )
    columns = [name for name in next(iter(rows.values())) if name != "seconds"]
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows.values():
        print(f"| {' | '.join(row[name] for name in columns)} |")
    held = sum(LEAST <= float(row["expected / budget"]) <= MOST for row in rows.values())
    print(f"\n{held} of {len(rows)} end between {100 * LEAST:.0f} and {100 * MOST:.0f} % of the budget")


if __name__ == "__main__":
    main()
