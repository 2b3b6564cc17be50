"""What the benchmarks share: times of two ways taken in turn, and results kept as
JSON.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"

Row = Mapping[str, Any]


def options(description: str | None) -> argparse.Namespace:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer cases and repeats: to see that it runs, not for numbers to write down",
    )
    parser.add_argument("--repeats", type=int, help="times each way is run after warming up (7; quick: 3)")
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args()
    chosen.repeats = chosen.repeats or (3 if chosen.quick else 7)
    return chosen


def seconds(step: Callable[[], object], device: str | torch.device = "cpu") -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    step()
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def processor_seconds(step: Callable[[], object]) -> float:
    """Seconds of processor time of one call: what one thread does, other processes or
    not.
    """
    started = time.process_time()
    step()
    return time.process_time() - started


def in_turn(
    ways: Sequence[Callable[[], object]],
    repeats: int,
    device: str | torch.device = "cpu",
    clock: Callable[[Callable[[], object]], float] | None = None,
    warm: int = 2,
) -> list[list[float]]:
    """Seconds of each way, (ways, repeats), in turn in every round, so that a slow
    moment meets all; `warm` rounds go before.
    """
    for _ in range(warm):
        for way in ways:
            way()
    rounds = [[clock(way) if clock else seconds(way, device) for way in ways] for _ in range(repeats)]
    return [list(times) for times in zip(*rounds, strict=True)]


def ratio(numerator: Sequence[float], denominator: Sequence[float]) -> float:
    """The median over the rounds of one way's seconds over another's."""
    return statistics.median(above / below for above, below in zip(numerator, denominator, strict=True))


def milliseconds(times: Sequence[float]) -> float:
    """The median, in ms."""
    return 1000 * statistics.median(times)


def keep(name: str, rows: Sequence[Row], *, quick: bool) -> None:
    """Print the rows as a table, and append them to `results/<name>.jsonl` with when
    and where they were measured.
    """
    print(f"\n{table(rows)}", flush=True)
    record = {
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load": round(os.getloadavg()[0], 1),
        "rows": list(rows),
    }
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, ensure_ascii=False) + "\n")


def table(rows: Sequence[Row]) -> str:
    """Rows of the same columns as a Markdown table; numbers to the right, with three
    figures.
    """
    columns = list(rows[0])
    numbers = [all(isinstance(row[column], int | float) for row in rows) for column in columns]
    lines = [
        columns,
        ["---:" if number else "---" for number in numbers],
        *([_text(row[column]) for column in columns] for row in rows),
    ]
    return (
        "\n".join(f"| {' | '.join(line)} |" for line in lines)
        .replace(" --- ", "---")
        .replace(" ---: ", "---:")
    )


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
