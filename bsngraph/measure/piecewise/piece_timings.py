"""Pieces of a fabric → how long each takes, measured or recalled.

In: pieces, and the conditions that they are timed under. Out: a timing for each. Equal
pieces are measured once, and what the cache knows is not measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from bsngraph.measure.piecewise.cache import recall, remember
from bsngraph.measure.piecewise.pieces import Piece, piece_key
from bsngraph.measure.piecewise.running import Runner, example_inputs
from bsngraph.measure.timing import Measure, Patience, Timing
from bsngraph.runs.rows.latencies import Conditions
from bsngraph.supernet import compile_fabric
from bsngraph.typed_files import plain

ROUNDS = 6
PIECE_PATIENCE = Patience(seconds=0.025, warmup_s=0.015)

Report = Callable[[int, int], None]


class PieceTimer:
    """Measures pieces under the same conditions, each only if the cache does not know
    it.
    """

    def __init__(self, conditions: Conditions, cache: Path | None, runner: Runner, measure: Measure) -> None:
        self.conditions, self.cache, self.runner, self.measure = conditions, cache, runner, measure
        self.device = torch.device(conditions.device)

    def measure_all(self, pieces: Sequence[Piece], report: Report) -> list[Timing]:
        """The timing of every piece; equal ones are measured once.

        Rounds go through all pieces, and of a piece the one counts whose fast calls
        (`low_ms`) are the fastest: what slows the machine down for a while hits no
        piece alone, and what interrupts calls counts for nothing.
        """
        keys = [piece_key(piece, number) for number, piece in enumerate(pieces)]
        distinct = dict(zip(keys, pieces, strict=True))
        found = {
            key: timing for key, piece in distinct.items() if (timing := self._recall(piece)) is not None
        }
        new = {key: piece for key, piece in distinct.items() if key not in found}
        for done in range(ROUNDS * len(new)):
            key, piece = list(new.items())[done % len(new)]
            timing = self._measure(piece)
            found[key] = min(timing, found.get(key, timing), key=lambda timing: timing.low_ms)
            report(done + 1, ROUNDS * len(new))
        for key, piece in new.items():
            if piece.words is not None:
                remember(self.cache, self._words(piece), found[key])
        return [found[key] for key in keys]

    def _measure(self, piece: Piece) -> Timing:
        net = compile_fabric(piece.fabric, seed=0).eval().to(self.device)
        run = self.runner(net, example_inputs(net.profile, self.conditions.batch, self.device))
        return self.measure(run, device=self.device, threads=self.conditions.threads, patience=PIECE_PATIENCE)

    def _recall(self, piece: Piece) -> Timing | None:
        return None if piece.words is None else recall(self.cache, self._words(piece))

    def _words(self, piece: Piece) -> dict[str, Any]:
        return {"piece": piece.words, "conditions": plain(self.conditions)}


def no_report(done: int, of: int) -> None:
    """Drop a report."""
