"""How a run was made: settings, versions, data, hashes, and the command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bsngraph.reporting.facts.run_facts import RunFacts
from bsngraph.reporting.sections.made.remake import remake_commands, shell_path
from bsngraph.runs.rows.config import AnyConfig, TrainConfig
from bsngraph.settings import Recipe, SearchSettings, setting_rows
from bsngraph.wording import shortened

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_MOST_CLASSES = 20


@dataclass(frozen=True)
class Fact:
    """A name, a value, and what it means; `usual` where it is the default."""

    name: str
    value: str
    meaning: str = ""
    usual: bool = True


@dataclass(frozen=True)
class MadeSection:
    """`commands` make the run again. `verify` counts its certificate again; it is empty
    without one.
    """

    commands: tuple[str, ...]
    verify: str
    data: tuple[Fact, ...]
    machine: tuple[Fact, ...]
    settings: tuple[Fact, ...]
    files: tuple[Fact, ...]


def made_of(facts: RunFacts) -> MadeSection:
    """How a run was made."""
    config, certificate = facts.config, facts.certificate
    return MadeSection(
        commands=remake_commands(facts.run, config),
        verify=f"bsngraph verify {shell_path(facts.run.path)}" if certificate else "",
        data=tuple(_data_facts(facts)),
        machine=(
            Fact("command", f"bsngraph {config.command}"),
            Fact("device", config.device),
            Fact("threads", str(config.threads)),
            Fact("seed", str(config.seed)),
            *(Fact(name, version) for name, version in config.versions.items()),
        ),
        settings=tuple(_setting_facts(config)),
        files=tuple(Fact(name, digest) for name, digest in certificate.files.items()) if certificate else (),
    )


def _data_facts(facts: RunFacts) -> list[Fact]:
    data = facts.config.data
    sizes = data.examples
    names = ", ".join(shortened(name) for name in data.classes[:_MOST_CLASSES])
    more = f" and {len(data.classes) - _MOST_CLASSES} more" if len(data.classes) > _MOST_CLASSES else ""
    found = [
        Fact("data", data.name),
        Fact("task", data.task),
        Fact("examples", f"{sizes.train:,} train, {sizes.validation:,} validation, {sizes.test:,} test"),
        Fact("classes or outputs", f"{len(data.classes)}: {names}{more}"),
        Fact("fingerprint of the data", data.fingerprint),
    ]
    if facts.split_hash is not None:
        found.append(Fact("SHA-256 of the split", facts.split_hash))
    return found


def _setting_facts(config: AnyConfig) -> list[Fact]:
    found = _rows(config.recipe, Recipe())
    return found if isinstance(config, TrainConfig) else [*found, *_rows(config.settings, SearchSettings())]


def _rows(settings: DataclassInstance, usual: DataclassInstance) -> list[Fact]:
    return [
        Fact(
            row.word,
            _shown(getattr(settings, row.name)),
            row.says.meaning,
            getattr(settings, row.name) == getattr(usual, row.name),
        )
        for row in setting_rows(type(settings))
    ]


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
