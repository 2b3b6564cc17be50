"""A run's config.json as values of its command's options: what repeats the run, and
what goes on with it.

Code of the user's own is not among them, and neither is a file that config.json knows
by its hash alone: they must be named again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsngraph.errors import InputError
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.config import AnyConfig, SearchConfig
from bsngraph.settings import SearchSettings, resolve_settings, setting_rows

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def recorded_options(run: RunFolder, command: str) -> dict[str, Any]:
    """Values by the words of options; the fabric is the one in the run folder. Data are
    not among them: what a run names is opened by `delivered.named_data` alone.

    Raises:
        InputError: config.json is missing or damaged, is of another command, or has a
            setting that no option gives.
    """
    config = run.read_config()
    if config.command != command:
        raise InputError(
            f"{run.path} holds a {config.command} run, not a {command} run: give its folder to `bsngraph "
            f"{config.command}`"
        )
    said: dict[str, Any] = {
        "fabric": str(run.file("fabric.dot")),
        "task": config.data.task,
        "seed": config.seed,
        "device": config.device,
        "threads": config.threads,
        **_setting_words(config.recipe),
    }
    if isinstance(config, SearchConfig):
        said |= _search_words(config)
    _check_complete(config, run)
    return said


def code_to_name(config: AnyConfig, given: dict[str, Any]) -> list[str]:
    """The options that config.json asks for, and that only the command line may give:
    those that `given`, the values of options by parameter name, do not have.
    """
    costs = [f"--cost {text}" for text in config.costs.own if text not in (given.get("own") or ())]
    latencies = (
        ["--latencies FILE"] if config.costs.latencies is not None and given.get("latencies") is None else []
    )
    weights = ["--weights FILE"] if config.weights is not None and given.get("weights") is None else []
    return [*costs, *latencies, *weights]


def _search_words(config: SearchConfig) -> dict[str, Any]:
    said: dict[str, Any] = {
        "budget": [budget.text for budget in config.budgets],
        "cost-timeout": config.costs.timeout_s,
        "latency-batch": config.costs.latency_batch,
        "oracle": config.oracle,
        **_setting_words(config.settings),
    }
    if config.preset is not None:
        said["preset"] = config.preset
    if config.warm_start is not None:
        said["warm-start"] = config.warm_start.path
    return said


def _setting_words(settings: DataclassInstance) -> dict[str, Any]:
    """Settings by the words of their options."""
    said = {}
    for row in setting_rows(type(settings)):
        value = getattr(settings, row.name)
        if row.says.by_option and value is not None:
            said[row.word] = list(value) if isinstance(value, tuple) else value
    if isinstance(settings, SearchSettings) and settings.adapt_penalty:
        said["penalty"] = f"auto:{settings.penalty!r}"
    return said


def _check_complete(config: AnyConfig, run: RunFolder) -> None:
    """Raise where options cannot say what config.json does."""
    preset = config.preset if isinstance(config, SearchConfig) else None
    warm = isinstance(config, SearchConfig) and config.warm_start is not None
    recipe, settings = resolve_settings(
        preset, warm=warm, recipe=_by_hand(config.recipe), settings=_by_hand(config.settings)
    )
    pairs: tuple[tuple[DataclassInstance, DataclassInstance], ...] = (
        (recipe, config.recipe),
        (settings, config.settings),
    )
    for found, wanted in pairs:
        for row in setting_rows(type(wanted)):
            if getattr(found, row.name) != getattr(wanted, row.name):
                raise InputError(
                    f"{run.path}: its {row.word}={getattr(wanted, row.name)!r} is no option's: the run was "
                    "made from Python, and is repeated from there"
                )


def _by_hand(settings: DataclassInstance) -> dict[str, Any]:
    """The fields that options give; --penalty gives two."""
    rows = [row for row in setting_rows(type(settings)) if row.says.by_option or row.name == "adapt_penalty"]
    values = {row.name: getattr(settings, row.name) for row in rows}
    return {name: value for name, value in values.items() if value is not None}
