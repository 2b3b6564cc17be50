"""config.json → the commands that make a run again, quoted for a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bsngraph.runs import RunFolder
from bsngraph.runs.rows.config import AnyConfig, AskedCosts, PruneConfig, RunConfig, SearchConfig
from bsngraph.settings import CostSettings, Recipe, SearchSettings, resolve_settings, setting_rows

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_CODE, _PYTHON = "code:", "python:"


def remake_commands(run: RunFolder, config: AnyConfig) -> tuple[str, ...]:
    """The commands, in their order; each writes to a folder of its own.

    A run that was pruned from a search needs that search first, since it does not say
    where it lies. Operations of the user's own are not recorded: the commands need
    `--ops` for these. FILE stands for what a run does not name: arrays that were given
    from Python, weights that it began with.
    """
    again = f"{run.path}-again"
    if isinstance(config, SearchConfig):
        return (_line("search", run, config, again),)
    if not isinstance(config, PruneConfig):
        return (_line("train", run, config, again),)
    search = f"{run.path}-search"
    prune = ["bsngraph", "prune", search, *_asked(run, config), "--out", again, *_where(config)]
    return _line("search", run, config.chosen_from, search), shlex.join([*prune, *_chosen(config)])


def _line(command: str, run: RunFolder, config: RunConfig, out: str) -> str:
    words = ["bsngraph", command, str(run.file("fabric.dot")), *_data(config), *_asked(run, config)]
    words += ["--out", out, "--seed", str(config.seed), *_where(config)]
    return shlex.join([*words, *_learned(config)])


def _data(config: RunConfig) -> list[str]:
    name = config.data.name
    if name.startswith(_CODE):
        return ["--data-code", name.removeprefix(_CODE)]
    return ["--data", "npz:FILE" if name.startswith(_PYTHON) else name]


def _asked(run: RunFolder, config: RunConfig) -> list[str]:
    """Budgets, and where their costs come from."""
    words = [word for budget in config.budgets for word in ("--budget", budget.text)]
    if config.costs.latencies is not None:
        words += ["--latencies", str(run.file("latencies.json"))]
    if config.weights is not None:
        words += ["--weights", "FILE"]
    return [*words, *_options(_cost_settings(config.costs), CostSettings())]


def _cost_settings(costs: AskedCosts) -> CostSettings:
    return CostSettings(own=costs.own, timeout_s=costs.timeout_s, latency_batch=costs.latency_batch)


def _where(config: RunConfig) -> list[str]:
    return ["--device", config.device, "--threads", str(config.threads)]


def _learned(config: RunConfig) -> list[str]:
    """The settings that are not the usual ones, and what else a search was told."""
    if not isinstance(config, SearchConfig):
        return list(_options(config.recipe, Recipe()))
    words = []
    if config.preset is not None:
        words += ["--preset", config.preset]
    if config.warm_start is not None:
        words += ["--warm-start", config.warm_start.path]
    ranged = any(budget.least is not None for budget in config.budgets)
    usual = resolve_settings(config.preset, warm=config.warm_start is not None, ranged=ranged)
    words += [*_options(config.recipe, usual[0]), *_options(config.settings, usual[1])]
    return [*words, *(["--oracle"] if config.oracle else [])]


def _chosen(config: PruneConfig) -> list[str]:
    """What a choice was told, where it trains nothing by itself and has the search's
    settings otherwise.
    """
    search, settings = config.chosen_from, config.settings
    usual = replace(search.settings, finalists=0, finetune_epochs=0)
    words = [*_options(config.recipe, search.recipe), *_options(settings, usual)]
    if settings.candidates == usual.candidates:  # which is not what a choice has by itself
        words += ["--candidates", str(settings.candidates)]
    return words if config.seed == search.seed else [*words, "--seed", str(config.seed)]


def _options(settings: DataclassInstance, usual: DataclassInstance) -> Iterator[str]:
    """The options that give `settings` where `usual` ones are the default."""
    for row in setting_rows(type(settings)):
        value = getattr(settings, row.name)
        if isinstance(settings, SearchSettings) and row.name == "penalty":
            assert isinstance(usual, SearchSettings)
            before = usual.penalty, usual.adapt_penalty
            if (settings.penalty, settings.adapt_penalty) != before:
                yield from (f"--{row.word}", f"{'auto:' if settings.adapt_penalty else ''}{value!r}")
        elif value == getattr(usual, row.name) or not row.says.by_option:
            continue
        elif isinstance(value, bool):
            yield f"--{row.word}" if value else f"--no-{row.word}"
        elif isinstance(value, tuple) and row.says.parse is None:
            yield from (word for one in value for word in (f"--{row.word}", one))
        elif isinstance(value, tuple):
            yield from (f"--{row.word}", ",".join(map(str, value)))
        else:
            yield from (f"--{row.word}", str(value))


def shell_path(path: Path) -> str:
    """A path as a shell takes it."""
    return shlex.quote(str(path))
