"""The benchmarks by topic: name → module and the line that says what is measured.

A module has a click command named `command` and `TABLES`: name of a table of RESULTS.md
→ the way to make it of its kept rows.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple

from benchmarks.shared.tables import Table


class Benchmark(NamedTuple):
    """A module of this package, and what it measures in one line."""

    module: str
    about: str


TOPICS: Mapping[str, Mapping[str, Benchmark]] = {
    "Speed": {
        "sweeps": Benchmark("speed.sweeps", "Eight small searches, with one worker and with two."),
        "startup": Benchmark("speed.startup", "Whole processes of the command line."),
        "sampling": Benchmark("speed.sampling", "Drawing a sample, its live edges, costs and route."),
        "memory": Benchmark("speed.memory", "Peak memory of a training step, against dense-and-mask."),
        "execution": Benchmark("speed.execution", "A sampled training step, against dense-and-mask."),
        "gpu": Benchmark("speed.gpu", "Training on a GPU: images a second, and its kernels' share."),
        "hand-written": Benchmark("speed.hand_written", "Networks, against modules written by hand."),
        "floors": Benchmark("speed.floors", "A sampled step, against arithmetic and bytes alone."),
        "reading": Benchmark("speed.reading", "Reading, checking and compiling growing fabrics."),
        "growth": Benchmark("speed.growth", "A search's stages on growing fabrics: time and memory."),
        "large-images": Benchmark("speed.large_images", "A step and a search on 224x224: time and memory."),
        "stages": Benchmark("speed.stages", "A whole search by its stages, against arithmetic alone."),
        "data": Benchmark("speed.data", "Making a training batch, against a training step."),
        "trainings": Benchmark("speed.trainings", "Finalists trained one after another, and side by side."),
        "processes": Benchmark("speed.processes", "One search on one and on two processes."),
        "kills": Benchmark("speed.kills", "A sweep and searches that are killed, and what comes of them."),
    },
    "Accuracy": {
        "truth": Benchmark("accuracy.truth.accuracies", "Every sub-network of two fabrics, trained alone."),
        "truth-sampled": Benchmark(
            "accuracy.truth.sampled", "200 networks of a large fabric, trained alone."
        ),
        "searches": Benchmark("accuracy.truth.searches", "Regret of searches, by the table of `truth`."),
        "ranges": Benchmark("accuracy.truth.ranges", "Regret of a range's answers, by that table."),
        "quality": Benchmark("accuracy.quality.command", "What methods choose under one budget."),
        "estimators": Benchmark("accuracy.estimators.command", "Estimators, against the exact gradient."),
        "rounds": Benchmark("accuracy.rounds", "Regret of training 1, 2 or 4 finalists at once."),
        "contests": Benchmark("accuracy.contests", "Regret by the number of trainings, guided and random."),
        "predictions": Benchmark("accuracy.predictions", "What the predictor expects, against trainings."),
        "multipliers": Benchmark("accuracy.multipliers", "Where the expected cost ends, from any λ."),
        "distributed": Benchmark("accuracy.distributed", "What 1, 2 and 4 cores find in equal steps."),
        "scenes": Benchmark("accuracy.scenes", "Segmentation: a search against random networks."),
        "photographs": Benchmark("accuracy.photographs", "Photographs: a search against other networks."),
    },
    "Costs": {
        "pricing": Benchmark("costs.pricing", "Evaluating costs on 256 samples."),
        "latency": Benchmark("costs.latency", "Sums of edges, against networks measured whole."),
        "exports": Benchmark("costs.exports", "Exported networks: size, latency, seconds to make."),
        "promise": Benchmark("costs.promise.command", "Random fabrics: nothing delivered outside a budget."),
    },
}
BENCHMARKS: Mapping[str, Benchmark] = {
    name: benchmark for topic in TOPICS.values() for name, benchmark in topic.items()
}


def load(name: str) -> ModuleType:
    """The module of a benchmark."""
    return importlib.import_module(f"benchmarks.{BENCHMARKS[name].module}")


def every_table() -> dict[str, Table]:
    """All tables of RESULTS.md that are made from kept rows."""
    return {name: made for benchmark in BENCHMARKS for name, made in load(benchmark).TABLES.items()}
