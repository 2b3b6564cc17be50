"""A Gaussian process over facts and edges of networks: how good would one that was not
trained be, and how sure is that?

The process is scikit-learn's. Its kernel is one amplitude, one length scale (radial
basis functions) and the noise of trainings, all three fitted by the likelihood of what
was measured. A network's place is its facts and its edges, each standardised over the
networks that may be chosen and each weighing the same as a whole, so that few trainings
need not tell dozens of length scales apart.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from bsngraph.fabric import Booleans
from bsngraph.searching.choosing.predicting.network_facts import FactSheet, Floats
from bsngraph.searching.choosing.predicting.one_thread import in_one_thread

# The bounds of the fit, where typical networks are a few units from each other. Few
# results fit anything: without bounds a process often thinks all of them noise, and
# looks no further.
_AMPLITUDES, _LENGTHS, _NOISES = (0.5, 5.0), (0.5, 5.0), (0.01, 0.5)
_START_LENGTH, _START_NOISE = 1.5, 0.1
_SCALE = 2.0
# How many networks are predicted at once, and how many numbers their places may hold.
_PREDICTED_AT_ONCE, _HELD_AT_ONCE = 1024, 1 << 20


@dataclass(frozen=True, eq=False)
class Places:
    """Where networks stand to each other, as a predictor sees them.

    `mean` and `weight` (facts + edges,) turn facts and edges into places; columns that
    are the same for all networks have no weight.
    """

    sheet: FactSheet
    mean: Floats
    weight: Floats

    @staticmethod
    def among(sheet: FactSheet, live: Booleans) -> Places:
        """Places standardised over live edges (networks, edges); all in one place if
        there are none.
        """
        some = live if len(live) else np.ones((1, live.shape[1]), dtype=np.bool_)
        columns = _columns(sheet.facts(some), some)
        spread = columns.std(axis=0)
        varies = spread > 1e-9
        weight = np.zeros_like(spread)
        facts = len(sheet.names)
        for group in (slice(0, facts), slice(facts, None)):
            count = int(varies[group].sum())
            weight[group][varies[group]] = _SCALE / np.sqrt(max(count, 1)) / spread[group][varies[group]]
        return Places(sheet, columns.mean(axis=0), weight)

    def of(self, live: Booleans) -> Floats:
        """The places of live edges (networks, edges): (networks, facts + edges)."""
        return self._of(self.sheet.facts(live), live)

    def forecast(self, predictor: Predictor, facts: Floats, live: Booleans) -> Forecast:
        """What is predicted of live edges (networks, edges) with these facts (networks,
        facts).

        The places of some networks are held at once: those of thousands with thousands
        of edges would take gigabytes, and a processor's cache holds few of them.
        """
        many = min(_PREDICTED_AT_ONCE, max(_HELD_AT_ONCE // len(self.mean), 1))
        parts = [slice(start, start + many) for start in range(0, max(len(live), 1), many)]
        found = [predictor.predict(self._of(facts[part], live[part])) for part in parts]
        means, deviations = [each.mean for each in found], [each.deviation for each in found]
        return Forecast(np.concatenate(means), np.concatenate(deviations))

    def _of(self, facts: Floats, live: Booleans) -> Floats:
        places = _columns(facts, live)
        places -= self.mean
        places *= self.weight
        return places


@dataclass(frozen=True, eq=False)
class Forecast:
    """What networks would give, larger is better, and how sure that is: `mean` and
    `deviation`, each (networks,).
    """

    mean: Floats
    deviation: Floats

    def gain(self, best: float) -> Floats:
        """The expected improvement over `best`: (networks,), E max(0, f − best).

        After Mockus 1975; the closed form is that of Jones, Schonlau and Welch 1998.
        """
        above = self.mean - best
        certain = self.deviation <= 0
        ratio = above / np.where(certain, 1.0, self.deviation)
        gain: Floats = above * norm.cdf(ratio) + self.deviation * norm.pdf(ratio)
        return np.where(certain, np.maximum(above, 0.0), gain)


@dataclass(frozen=True, eq=False)
class Predictor:
    """A process that has seen the results of some trainings, less `mean` and divided by
    `deviation`.
    """

    process: GaussianProcessRegressor
    mean: float
    deviation: float

    @in_one_thread
    def predict(self, places: Floats) -> Forecast:
        """What networks at `places` (networks, columns) would give, without the noise
        of a training.
        """
        mean, deviation = self.process.predict(places, return_std=True)
        noise = self.process.kernel_.k2.noise_level  # the prior that it predicts with holds it
        certain = np.sqrt(np.maximum(deviation**2 - noise, 0.0))
        return Forecast(self.mean + self.deviation * mean, self.deviation * certain)


@in_one_thread
def fit_predictor(places: Floats, results: NDArray[np.float64]) -> Predictor:
    """A predictor of `results` (trainings,), larger is better, at `places` (trainings,
    columns).

    The same input gives the same predictor, bit for bit.
    """
    kernel = ConstantKernel(1.0, _AMPLITUDES) * RBF(_START_LENGTH, _LENGTHS) + WhiteKernel(
        _START_NOISE, _NOISES
    )
    process = GaussianProcessRegressor(kernel)
    mean, deviation = float(results.mean()), float(results.std()) or 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a value at its bound is as good
        process.fit(places, (results - mean) / deviation)
    return Predictor(process, mean, deviation)


def _columns(facts: Floats, live: Booleans) -> Floats:
    return np.concatenate([facts, live], axis=1, dtype=np.float64)
