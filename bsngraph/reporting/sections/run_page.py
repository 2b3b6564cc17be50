"""All that the page says of one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bsngraph.errors import BsngraphError, InputError
from bsngraph.fabric import Fabric
from bsngraph.reporting.facts.run_facts import RunFacts
from bsngraph.reporting.picture import architecture_picture
from bsngraph.reporting.sections.answers_section import AnswersSection, answers_of
from bsngraph.reporting.sections.costs_section import CostLine, costs_of
from bsngraph.reporting.sections.curves_section import CurvesSection, curves_of
from bsngraph.reporting.sections.front_section import FrontSection, NetworkPoint, front_of
from bsngraph.reporting.sections.made.settings_section import MadeSection, made_of
from bsngraph.reporting.sections.spent.schedule_section import Schedule, schedules_of
from bsngraph.reporting.sections.spent.spending_section import SpendingSection, spending_of
from bsngraph.reporting.sections.trainings_section import TrainingsSection, trainings_of
from bsngraph.reporting.sections.verdict import Verdict, verdict_of
from bsngraph.wording import shortened


@dataclass(frozen=True)
class Picture:
    """A picture, or the reason why it could not be drawn."""

    drawn: Markup
    reason: str = ""


@dataclass(frozen=True)
class FrontPicture:
    """A network of the front and its picture."""

    point: NetworkPoint
    picture: Picture


@dataclass(frozen=True, kw_only=True)
class RunPage:
    """The sections of a run. What a run does not have is None or empty.

    `anchor` is the id of the run's part of the page, and `prefix` begins all other ids
    in it.
    """

    anchor: str
    prefix: str
    name: str
    command: str
    data: str
    fabric: str
    verdict: Verdict
    picture: Picture | None
    costs: tuple[CostLine, ...]
    curves: CurvesSection | None
    spending: SpendingSection | None
    trainings: TrainingsSection | None
    front: FrontSection | None
    front_pictures: tuple[FrontPicture, ...]
    schedules: tuple[Schedule, ...]
    answers: AnswersSection | None
    finished: bool
    made: MadeSection


def page_of(facts: RunFacts) -> RunPage:
    """What the page says of a run.

    Raises:
        InputError: its files contradict each other.
    """
    config, front = facts.config, front_of(facts)
    return RunPage(
        anchor=facts.prefix.rstrip("-"),
        prefix=facts.prefix,
        name=facts.name,
        command=config.command,
        data=shortened(config.data.name),
        fabric=shortened(config.fabric),
        verdict=verdict_of(facts),
        picture=_picture(facts, None, f"{facts.prefix}picture") if facts.fabric else None,
        costs=costs_of(facts.result) if facts.result else (),
        curves=curves_of(facts.epochs),
        spending=spending_of(facts),
        trainings=trainings_of(facts),
        front=front,
        front_pictures=_front_pictures(facts, front.points if front else ()),
        schedules=schedules_of(facts),
        answers=answers_of(facts.answers),
        finished=facts.result is not None,
        made=made_of(facts),
    )


def _front_pictures(facts: RunFacts, points: Sequence[NetworkPoint]) -> tuple[FrontPicture, ...]:
    return tuple(
        FrontPicture(point, _picture(facts, point.network, f"{point.anchor}-picture")) for point in points
    )


def _picture(facts: RunFacts, network: Fabric | None, name: str) -> Picture:
    """The picture of a network of the run; the delivered one where none is given."""
    try:
        return Picture(architecture_picture(facts.run, network, name=name))
    except InputError:
        raise
    except BsngraphError as error:  # no Graphviz, or one that fails: all else is there
        return Picture(Markup(), str(error))
