"""The networks that rows name, as text from which they can be built again.

`edges 0-3 7` is a sub-network of the problem's fabric, by the indices of its live
edges; `narrowed 3/8` the whole fabric with 3/8 of its channels; `resnet-8 channels=6` a
plain ResNet on the same input.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np

import bsngraph
from bsngraph.costs import Budget, Budgets, price
from bsngraph.fabric import Architecture, Fabric, connected, live_edges
from bsngraph.fabric.families import plain_resnet_fabric
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.training import derived_seed
from bsngraph.wording import ranges

LEAST_SPENT = 0.8  # share of a budget that random networks spend at least
DRAWN_AT_ONCE = 512


def build(profile: FabricProfile, text: str) -> Fabric:
    """The network of a row."""
    kind, _, rest = text.partition(" ")
    if kind == "edges":
        return bsngraph.prune(profile, Architecture(len(profile.fabric.edges), read_ranges(rest)))
    if kind == "narrowed":
        return narrowed(profile.fabric, Fraction(rest))
    return plain_resnet(profile, int(kind.removeprefix("resnet-")), int(rest.removeprefix("channels=")))


def read_ranges(text: str) -> tuple[int, ...]:
    """The numbers of `0-3 7`."""
    ends = [tuple(map(int, run.split("-"))) for run in text.split()]
    return tuple(number for run in ends for number in range(run[0], run[-1] + 1))


def sub_network(architecture: Architecture) -> str:
    return f"edges {ranges(architecture.live)}"


def narrowed(fabric: Fabric, width: Fraction) -> Fabric:
    """The fabric with `width` times the channels on every operation that has them,
    rounded, at least one.
    """

    def scaled(channels: int) -> int:
        return max(1, math.floor(width * channels + Fraction(1, 2)))

    edges = tuple(
        replace(edge, arguments={**edge.arguments, "channels": scaled(int(edge.arguments["channels"]))})
        if "channels" in edge.arguments
        else edge
        for edge in fabric.edges
    )
    return replace(fabric, edges=edges)


def narrowed_inside(profile: FabricProfile, budget: Budget) -> str | None:
    """The whole fabric with the most channels inside the budget; None where even one
    channel is too much.
    """
    wide = {int(edge.arguments["channels"]) for edge in profile.fabric.edges if "channels" in edge.arguments}
    # The widths at which some number of channels changes by rounding: between two of
    # them the network stays the same.
    widths = sorted(
        {Fraction(2 * step - 1, 2 * channels) for channels in wide for step in range(1, channels + 1)}
    )
    fit = bisect.bisect_right(
        widths, budget.limit, key=lambda width: cost_of(narrowed(profile.fabric, width), budget)
    )
    return f"narrowed {widths[fit - 1]}" if fit else None


def resnet_inside(profile: FabricProfile, budget: Budget, depth: int) -> str | None:
    """The plain ResNet of a depth with the most channels inside the budget; None where
    even one is too much.
    """
    most = range(1, 257)
    fit = bisect.bisect_right(
        most, budget.limit, key=lambda channels: cost_of(plain_resnet(profile, depth, channels), budget)
    )
    return f"resnet-{depth} channels={most[fit - 1]}" if fit else None


def plain_resnet(profile: FabricProfile, depth: int, channels: int) -> Fabric:
    """A plain ResNet with the input and the classes of a fabric."""
    source, target = profile.fabric.source_indices[0], profile.fabric.target_indices[0]
    (classes,) = profile.node_shapes[target]
    return plain_resnet_fabric(
        input_shape=profile.node_shapes[source], classes=classes, depth=depth, channels=channels
    )


def cost_of(fabric: Fabric, budget: Budget) -> float:
    """What a whole fabric costs, in the budget's cost."""
    return price(profile_fabric(fabric), budget.cost.name).total


def random_inside(profile: FabricProfile, budget: Budget, seed: int, count: int) -> list[str]:
    """Distinct random sub-networks that spend 80 to 100 % of the budget: edges kept
    with a random probability, drawn until enough fit.
    """
    rng = np.random.default_rng(derived_seed(seed, "random sub-networks", budget.text))
    fabric, sweep = profile.fabric, profile.fabric.sweep
    fixed = fabric.fixed
    found: dict[Architecture, None] = {}
    while len(found) < count:
        kept = (rng.random((DRAWN_AT_ONCE, len(fixed))) < rng.random((DRAWN_AT_ONCE, 1))) | fixed
        live = live_edges(sweep, kept)
        live = live[connected(fabric, live).all(axis=1)]
        spent = live[budget.cost.of(live) >= LEAST_SPENT * budget.limit]
        found |= dict.fromkeys(
            bsngraph.architecture_of(fabric, row) for row in spent if Budgets((budget,)).met_by(row)
        )
    return [sub_network(architecture) for architecture in list(found)[:count]]
