"""What may become a finalist: those to begin with, and thousands that a predictor
judges by what the others gave.

Each next finalist is the network whose expected improvement over the best mean is
largest. What is expected comes from a Gaussian process over plain facts of networks
(predicting/predictor.py), fitted to the finalists that were trained so far.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bsngraph.costs import Budgets, Costs
from bsngraph.fabric import Architecture, Booleans, few_neighbours
from bsngraph.searching.choosing.finalists.finalists_state import Finalist, FinalistsState, Trained
from bsngraph.searching.choosing.predicting.network_facts import Floats
from bsngraph.searching.choosing.predicting.pool import distinct_inside, masks_of
from bsngraph.searching.choosing.predicting.predictor import Forecast, Places, fit_predictor
from bsngraph.searching.choosing.predicting.structure import structure_of

# The best so many by the predictor have their neighbours looked at as well.
_LEADERS = 3
_MOST_NEIGHBOURS = 4096  # of a network; of one with more none are looked at


@dataclass(frozen=True, eq=False)
class Contenders:
    """Networks inside the budgets: `live` (networks, edges), and where they stand."""

    live: Booleans
    places: Places
    budgets: Budgets

    def inside(self, budgets: Budgets) -> Contenders:
        """Those inside other budgets on the same costs."""
        return replace(self, live=self.live[budgets.inside(self.live)], budgets=budgets)

    def as_near_as(self, masks: Iterable[Booleans]) -> Contenders:
        """Those that are no further from the soft budgets than the nearest of masks
        (edges,), or close to them.
        """
        return replace(self, live=self._near(self.live, np.stack([*masks])))

    @cached_property
    def _pool_facts(self) -> Floats:
        return self.places.sheet.facts(self.live)

    @cached_property
    def _structures(self) -> dict[bytes, bytes]:
        """The structures of networks that were asked for, by their live edges."""
        return {}

    def believed(self, state: FinalistsState) -> Forecast:
        """What the finalists that were trained would give again, noise aside."""
        places = self.places.of(self._trained(state))
        return fit_predictor(places, state.scores).predict(places)

    def believing(self, state: FinalistsState) -> FinalistsState:
        """The state as it would be if each finalist that is not trained yet had given
        what is expected of it by now.
        """
        left = state.finalists[len(state.results) :]
        if not left:
            return state
        predictor = fit_predictor(self.places.of(self._trained(state)), state.scores)
        places = self.places.of(masks_of((each.live for each in left), self.live.shape[1]))
        believed = (Trained(math.exp(-mean), {}) for mean in predictor.predict(places).mean.tolist())
        return replace(state, results=(*state.results, *believed))

    def most_promising(self, state: FinalistsState, count: int) -> list[Finalist]:
        """Up to `count` networks that are not those of finalists, the largest expected
        improvement first.
        """
        trained = self._trained(state)
        seen = self.places.of(trained)
        predictor = fit_predictor(seen, state.scores)
        means = predictor.predict(seen).mean
        leaders = trained[np.argsort(-means, kind="stable")[:_LEADERS]]
        near = self._near(self._neighbours(leaders), trained)
        live = np.concatenate([self.live, near])
        facts = np.concatenate([self._pool_facts, self.places.sheet.facts(near)])
        prediction = self.places.forecast(predictor, facts, live)
        gain = self._gain(live, prediction, trained, means)
        known = {self._structure(row) for row in trained}
        found: list[Finalist] = []
        for index in np.argsort(-gain, kind="stable"):
            if len(found) == count:
                break
            structure = self._structure(live[index])
            if structure in known:
                continue
            known.add(structure)
            expected = -float(prediction.mean[index]), float(prediction.deviation[index])
            found.append(Finalist(Architecture.of_mask(live[index]).live, "prediction", expected))
        return found

    def front(self, state: FinalistsState) -> list[int | None]:
        """For each limit of the budgets' front, the number of the finalist with the
        best mean inside it; None where none is inside.
        """
        means, costs = self.believed(state).mean, self._ranged(self._trained(state))
        return [
            int(np.where(costs <= limit, means, -np.inf).argmax()) if (costs <= limit).any() else None
            for limit in self.budgets.front_limits
        ]

    def worth_keeping(self, state: FinalistsState, leaders: int) -> set[int]:
        """The numbers of the `leaders` finalists with the best means and, of a range,
        of all that are better than any that costs no more.
        """
        means = self.believed(state).mean
        kept = set(np.argsort(-means, kind="stable")[:leaders].tolist())
        if self.budgets.range_index is not None:
            costs = self._ranged(self._trained(state))
            better = (costs[None] <= costs[:, None]) & (means[None] > means[:, None])
            kept |= set(np.flatnonzero(~better.any(axis=1)).tolist())
        return kept

    def _gain(self, live: Booleans, prediction: Forecast, trained: Booleans, means: Floats) -> Floats:
        """The expected improvement by training each of live edges (networks, edges):
        over the best mean, and of a range over the best mean inside each limit, summed.
        """
        if self.budgets.range_index is None:
            return prediction.gain(float(max(prediction.mean.max(initial=-np.inf), means.max())))
        costs, known = self._ranged(live), self._ranged(trained)
        total = np.zeros(len(live))
        for limit in self.budgets.front_limits:
            inside = costs <= limit
            if inside.any():
                best = max(prediction.mean[inside].max(), means[known <= limit].max(initial=-np.inf))
                total += np.where(inside, prediction.gain(float(best)), 0.0)
        return total

    def _ranged(self, live: Booleans) -> Costs:
        """What live edges (networks, edges) cost of the range's cost: (networks,)."""
        assert self.budgets.range_index is not None
        return self.budgets[self.budgets.range_index].cost.of(live)

    def _structure(self, live: Booleans) -> bytes:
        """The structure of live edges (edges,), made out once."""
        row = live.tobytes()
        if row not in self._structures:
            self._structures[row] = structure_of(self.places.sheet.profile, live)
        return self._structures[row]

    def _trained(self, state: FinalistsState) -> Booleans:
        trained = state.finalists[: len(state.results)]
        return masks_of((each.live for each in trained), self.live.shape[1])

    def _near(self, live: Booleans, others: Booleans) -> Booleans:
        allowed = float(self.budgets.miss(others).min())
        near: Booleans = live[self.budgets.near(live, allowed)]
        return near

    def _neighbours(self, leaders: Booleans) -> Booleans:
        """What decides one thing otherwise than a leader, inside the budgets."""
        profile = self.places.sheet.profile
        kept = [profile.fabric.decisions.completed(row) for row in leaders]
        near = [few_neighbours(profile.fabric, each, _MOST_NEIGHBOURS) for each in kept if each is not None]
        choices = [each for each in near if each is not None]
        return distinct_inside(profile.fabric, np.concatenate([leaders[:0], *choices]), self.budgets)
