"""Measure the networks of this folder on this device, and write latencies.json.

The folder was written by `bsngraph measure FABRIC --kit DIR`. Copy it to the device
that the network is for, a phone, a board, a server, and run there

    pip install numpy onnxruntime
    python measure.py

It needs nothing else. When it has ended, bring latencies.json back: `bsngraph search
FABRIC --latencies latencies.json --budget latency=5ms` reads it. Stopped half-way, it
goes on where it was: what was measured stands in progress.json.

Each network is warmed up and called again and again for `--seconds`, and the median
counts. There are `--rounds` through all networks, and the best of them counts, so that
a slow spell of the device does not hit one network alone. Leave the device alone
meanwhile, on mains, and not too warm.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FEWEST_CALLS = 5


def run_kit(words: list[str] | None = None) -> int:
    """Measure everything, and write latencies.json; 0 when done."""
    options = options_of(words)
    try:
        kit = json.loads((HERE / "kit.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return failed(f"{HERE / 'kit.json'} cannot be read ({error}): copy the whole folder")
    try:
        import onnxruntime
    except ImportError:
        return failed("onnxruntime is not installed: pip install numpy onnxruntime")
    known = onnxruntime.get_available_providers()
    if options.provider not in known:
        return failed(f"there is no {options.provider} here: --provider is one of {', '.join(known)}")
    conditions = conditions_there(kit, options, onnxruntime.__version__)
    progress = read_progress(options.out.with_name("progress.json"), kit, conditions)
    try:
        measure_models(kit, options, progress)
    except KeyboardInterrupt:
        return failed("\ninterrupted: the same command goes on where it was", 130)
    except Exception as error:  # a model that this onnxruntime or provider cannot run
        return failed(f"\n{type(error).__name__}: {error}")
    save(options.out, latencies(kit, conditions, progress["ms"]))
    options.out.with_name("progress.json").unlink()
    print(f"{options.out}: the latencies of {len(kit['edges'])} edges on {conditions['model']}")
    return 0


def options_of(words: list[str] | None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--name", help="what to call this device  [default: its processor]")
    parser.add_argument("--threads", type=number(4096), default=1, help="how many threads  [default: 1]")
    parser.add_argument("--batch", type=number(65536), default=1, help="examples at once  [default: 1]")
    parser.add_argument("--seconds", type=float, default=0.1, help="of each measurement  [default: 0.1]")
    parser.add_argument("--rounds", type=number(1000), default=3, help="through all networks  [default: 3]")
    parser.add_argument(
        "--provider",
        default="CPUExecutionProvider",
        help="onnxruntime's execution provider  [default: CPUExecutionProvider]",
    )
    parser.add_argument(
        "-o", "--out", type=Path, default=HERE / "latencies.json", help="  [default: latencies.json here]"
    )
    return parser.parse_args(words)


def number(most: int) -> Callable[[str], int]:
    """A whole number from 1 to `most`."""

    def read(text: str) -> int:
        if not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {most}")
        return int(text)

    return read


def conditions_there(kit: dict[str, Any], options: argparse.Namespace, version: str) -> dict[str, Any]:
    """What the latencies hold for."""
    return {
        "device": options.provider.replace("ExecutionProvider", "").lower(),
        "model": options.name or processor(),
        "threads": options.threads,
        "batch": options.batch,
        "dtype": "float32",
        "torch": kit["versions"]["torch"],
        "bsngraph": kit["versions"]["bsngraph"],
        "engine": f"onnxruntime {version}",
    }


def processor() -> str:
    """The processor as Linux calls it, else what Python knows of it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    said = [
        line.partition(":")[2].strip()
        for line in lines
        if line.startswith(("model name", "Model", "Hardware"))
    ]
    return next(filter(None, said), "") or platform.processor() or platform.machine() or "unknown"


def measure_models(kit: dict[str, Any], options: argparse.Namespace, progress: dict[str, Any]) -> None:
    """Fill `progress` with the milliseconds of every model in every round, and save it
    after each.
    """
    steps = [(number, name) for number in range(options.rounds) for name in kit["models"]]
    waiting = [(number, name) for number, name in steps if len(progress["ms"].get(name, [])) <= number]
    started = time.perf_counter()
    for done, (_, name) in enumerate(waiting, start=1):
        ms = milliseconds(name, kit["models"][name]["inputs"], options)
        progress["ms"].setdefault(name, []).append(ms)
        save(options.out.with_name("progress.json"), progress)
        left = (time.perf_counter() - started) / done * (len(waiting) - done)
        before = len(steps) - len(waiting)
        print(
            f"{before + done}/{len(steps)}  {name}  {ms:.4f} ms  left {int(left) // 60}:{int(left) % 60:02d}",
            file=sys.stderr,
        )


def milliseconds(name: str, inputs: dict[str, list[int]], options: argparse.Namespace) -> float:
    """The median time of a call of one model."""
    import numpy
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = options.threads, 1
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(HERE / name), settings, providers=[options.provider])
    if session.get_providers()[0] != options.provider:
        raise RuntimeError(f"{options.provider} does not run {name}, and another would")
    random = numpy.random.RandomState(0)
    feed = {
        name: random.standard_normal((options.batch, *shape)).astype("float32")
        for name, shape in inputs.items()
    }
    timed(session, feed, options.seconds / 2)  # warming up
    return statistics.median(timed(session, feed, options.seconds))


def timed(session: Any, feed: dict[str, Any], seconds: float) -> list[float]:
    """The milliseconds of each call, for so many seconds."""
    found: list[float] = []
    end = time.perf_counter() + seconds
    while len(found) < FEWEST_CALLS or time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, feed)
        found.append(1000 * (time.perf_counter() - start))
    return found


def latencies(kit: dict[str, Any], conditions: dict[str, Any], ms: dict[str, list[float]]) -> dict[str, Any]:
    """The content of latencies.json: the best round of each model, by edge and by
    network.
    """
    best = {name: min(rounds) for name, rounds in ms.items()}
    return {
        "unit": "ms",
        "conditions": conditions,
        "operation_ms": {edge: best[files["operation"]] for edge, files in kit["edges"].items()},
        "joining_ms": {edge: best[files["joining"]] for edge, files in kit["edges"].items()},
        "networks": [{"edges": one["edges"], "ms": best[one["file"]]} for one in kit["networks"]],
        "fabric": kit["fabric"],
    }


def read_progress(path: Path, kit: dict[str, Any], conditions: dict[str, Any]) -> dict[str, Any]:
    """What was measured before under the same conditions, nothing else."""
    new: dict[str, Any] = {"fabric": kit["fabric"], "conditions": conditions, "ms": {}}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        same = found["fabric"] == new["fabric"] and found["conditions"] == conditions
        return dict(found) if same else new
    except (OSError, ValueError, KeyError, TypeError):
        return new


def save(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file whole."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, path)


def failed(reason: str, code: int = 1) -> int:
    """Say why it ends."""
    print(reason, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(run_kit())
