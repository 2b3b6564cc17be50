"""What is read back from a run folder, a cache or a certificate: whatever stands in the
file, it is decoded whole, or is an InputError that names the file and the place.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import STRIPES_NORM, fabric_of, no_pictures, recipe, settings, stripes

from bsngraph.certificate.certificate import seal
from bsngraph.certificate.file_checks import hash_checks
from bsngraph.delivered import evaluate_run, load_delivered, load_net, predict
from bsngraph.delivered.model_facts import facts_of, read_facts
from bsngraph.errors import InputError
from bsngraph.measure import LatencyTable, Timing, conditions_here
from bsngraph.measure.piecewise.cache import cache_file, read_entry, recall, remember
from bsngraph.runs import RunFolder
from bsngraph.runs.checkpoint import OptimizerState, check_tensors, load_checkpoint, restore_optimizer
from bsngraph.runs.rows.latencies import Calibration
from bsngraph.runs.rows.result import RunResult
from bsngraph.runs.run_folder import metrics_line
from bsngraph.runs.run_log import RunLog
from bsngraph.searching import prune_run, search
from bsngraph.searching.delivering.pictures import draw_curves
from bsngraph.searching.learning.learning_state import LearningState
from bsngraph.training import Silent
from bsngraph.training.net_training import TrainingState
from bsngraph.typed_files import Amount, Row, decode_row, decode_value, plain

MUTATIONS = 2000
KEY = {"piece": {"op": "conv", "arguments": {"kernel": 3}}, "conditions": {"device": "cpu"}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A tiny search with finalists, and a prune of it beside; not to be changed."""
    folder = tmp_path_factory.mktemp("typed")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        how: dict[str, Any] = {"recipe": recipe(), "settings": settings(finalists=2, finalist_epochs=1)}
        search(
            fabric_of(STRIPES_NORM, folder), stripes(), ["price=4"], out=folder / "run", oracle=True, **how
        )
        prune_run(folder / "run", ["price=3"], out=folder / "pruned", data=stripes())
    run = RunFolder(folder / "run")
    names = tuple(edge.name for edge in load_net(run).fabric.edges)
    many = tuple(float(number + 1) for number in range(len(names)))
    table = LatencyTable(conditions_here(threads=1), names, many, many, Calibration(1.5, 0.5, 4, 0.1, 0.2))
    RunFolder(folder / "pruned").write_json("latencies.json", table.row())
    remember(folder / "cache", KEY, Timing(2.0, 1.5, 3.0, 10))
    return run


@dataclass(frozen=True)
class Border:
    """A file, what decodes it, and whether a hash tells that it was changed, its own or
    the certificate's: `told(content, value)`.
    """

    path: Path
    decode: Callable[[Path], Any]
    told: Callable[[bytes, Any], bool]


def borders(run: RunFolder) -> dict[str, Border]:
    pruned, cache = RunFolder(run.path.with_name("pruned")), run.path.with_name("cache")

    def of(name: str, decode: Callable[[RunFolder], Any], folder: RunFolder = run) -> Border:
        return Border(folder.file(name), lambda path: decode(RunFolder(path.parent)), by_certificate)

    hashes = set(run.read_certificate().files.values())

    def by_certificate(content: bytes, value: Any) -> bool:
        return hashlib.sha256(content).hexdigest() not in hashes

    return {
        "a search's config.json": of("config.json", RunFolder.read_config),
        "a prune's config.json": of("config.json", RunFolder.read_config, pruned),
        "result.json": of("result.json", RunFolder.read_result),
        "splits.json": of("splits.json", RunFolder.read_splits),
        "metrics.jsonl": of("metrics.jsonl", RunFolder.read_epochs),
        "latencies.json": of("latencies.json", RunFolder.read_latencies, pruned),
        "certificate.json": Border(
            run.file("certificate.json"),
            lambda path: RunFolder(path.parent).read_certificate(),
            lambda content, value: seal(value) != value.seal,
        ),
        "the cache": Border(
            cache_file(cache, KEY), lambda path: read_entry(path, KEY), lambda content, value: False
        ),
        "model.safetensors": of(
            "model.safetensors", lambda folder: read_facts(folder.path / "model.safetensors")
        ),
    }


NAMES = (
    "a search's config.json",
    "a prune's config.json",
    "result.json",
    "splits.json",
    "metrics.jsonl",
    "latencies.json",
    "certificate.json",
    "the cache",
    "model.safetensors",
)


# --- mutations

DEEP: Any = json.loads("[" * 300 + "]" * 300)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, -0.5, 2**63, 10**30, 10**400, 1e308, math.inf, -math.inf, math.nan),
    *("", "x", "1", "\ud800", "<=", "search", [], [1], ["x"], {}, {"x": 1}, DEEP),
)
TOKENS = (
    *(b'"', b"{", b"}", b"[", b"]", b",", b":", b"0", b"-", b"1e999", b"NaN", b"Infinity", b"null", b"true"),
    *(b"\xff", b"\x00", b"\\ud800", b"\n", b'"macs"', b"[" * 100_000, b"9" * 5000, b"\xef\xbb\xbf"),
)


def mutated(content: bytes, random: Random) -> bytes:
    """One to three changes: of bytes, or of what JSON text says."""
    for _ in range(random.choice((1, 1, 2, 3))):
        change = random.choice((flipped, cut, inserted, *(3 * (said_otherwise,))))
        content = change(content, random)
    return content


def flipped(content: bytes, random: Random) -> bytes:
    if not content:
        return content
    at = random.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << random.randrange(8))]) + content[at + 1 :]


def cut(content: bytes, random: Random) -> bytes:
    at = random.randrange(len(content) + 1)
    return content[:at] + content[at + random.choice((1, 2, 5, 50)) :]


def inserted(content: bytes, random: Random) -> bytes:
    at = random.randrange(len(content) + 1)
    return content[:at] + random.choice(TOKENS) + content[at:]


def said_otherwise(content: bytes, random: Random) -> bytes:
    """Of a file of lines, one line is changed."""
    lines = content.split(b"\n") if content.startswith(b'{"stage"') else [content]
    at = random.randrange(len(lines))
    try:
        value = json.loads(lines[at])
    except (ValueError, RecursionError):
        return flipped(content, random)
    lines[at] = json.dumps(changed(value, random)).encode()
    return b"\n".join(lines)


def changed(value: Any, random: Random) -> Any:
    """Plain values with one of them, at any depth, replaced, renamed, dropped or
    emptied. The original stays as it is.
    """
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(list(value))
        other = dict(value)
        kind = random.random()
        if kind < 0.1:
            del other[key]
        elif kind < 0.2:
            other[random.choice(("x", *map(str, value)))] = other.pop(key)
        else:
            other[key] = changed(value[key], random)
        return other
    if isinstance(value, list | tuple) and value and random.random() < 0.85:
        at = random.randrange(len(value))
        kind = random.random()
        if kind < 0.15:
            return []
        if kind < 0.3:
            return [*value[:at], *value[at + 1 :]]
        return [*value[:at], changed(value[at], random), *value[at + 1 :]]
    if isinstance(value, float | int) and abs(value) < 1e6 and random.random() < 0.3:
        return value + random.choice((-1, 1, 0.25)) * random.choice((1, 1000))
    return random.choice(VALUES)


def assert_told(error: InputError, path: Path) -> None:
    assert error.exit_code == 2
    said = str(error)
    assert str(path) in said
    assert "$" in said or "cannot be read as safetensors" in said, "the place in it"
    assert len(said) < 2000, "however long what stands there is"
    said.encode("utf-8")


class InMemory:
    """Stands for the content of every file that is read: thousands of files would take
    longer to write than to decode.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.content = b""
        for home in ("bsngraph.typed_files", "bsngraph.runs.run_folder"):
            patch.setattr(f"{home}.read_bounded", lambda *_: self.content)


@pytest.mark.parametrize("name", NAMES)
def test_damage_of_any_kind_is_told_or_changes_nothing_that_no_hash_tells(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    border, random = borders(finished)[name], Random(name)
    content, before = border.path.read_bytes(), border.decode(border.path)
    path = tmp_path / border.path.name
    path.write_bytes(content)
    in_memory = InMemory(monkeypatch)
    refused = 0
    for _ in range(MUTATIONS):
        if name == "model.safetensors":  # which another library opens
            in_memory.content = model(content, random)
            path.write_bytes(in_memory.content)
        else:
            in_memory.content = mutated(content, random)
        try:
            after = border.decode(path)
        except InputError as error:
            assert_told(error, path)
            refused += 1
            continue
        if after != before:
            assert border.told(in_memory.content, after), "nothing would tell"
    assert refused > MUTATIONS / 2


def model(content: bytes, random: Random) -> bytes:
    """A safetensors file with other metadata, or other bytes."""
    if random.random() < 0.3:
        return random.choice((flipped, cut, inserted))(content, random)
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    facts = header["__metadata__"]
    key = random.choice(list(facts))
    kind = random.random()
    if kind < 0.15:
        del facts[key]
    elif kind < 0.3:
        facts[key + "x"] = facts.pop(key)
    else:
        text = mutated(facts[key].encode(), random).decode("utf-8", "replace")
        facts[key] = text[:10_000]
    text = json.dumps(header, ensure_ascii=False).encode("utf-8", "replace")
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def test_a_cache_never_gives_another_timing(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = cache_file(finished.path.with_name("cache"), KEY).read_bytes()
    random, in_memory = Random(3), InMemory(monkeypatch)
    for _ in range(MUTATIONS):
        in_memory.content = mutated(content, random)
        assert recall(tmp_path, KEY) in (None, Timing(2.0, 1.5, 3.0, 10))


# --- the checkpoint


def test_a_checkpoint_with_other_bytes_is_told_or_the_same(finished: RunFolder, tmp_path: Path) -> None:
    content, run, random = finished.file("checkpoint.pt").read_bytes(), RunFolder(tmp_path), Random(5)
    before, file = load_checkpoint(finished), run.file("checkpoint.pt")
    searched = LearningState.from_checkpoint(before.search, file)
    for _ in range(MUTATIONS // 4):
        file.write_bytes(random.choice((flipped, cut, inserted))(content, random))
        try:
            after = load_checkpoint(run)
            state = LearningState.from_checkpoint(after.search, file)
        except InputError as error:
            if str(file) not in str(error):
                raise
            continue
        assert (after.rows, state.epoch) == (before.rows, searched.epoch)
        assert all(torch.equal(tensor, searched.net[name]) for name, tensor in state.net.items())


@pytest.mark.parametrize(("stage", "kind"), [("search", LearningState), ("finetune", TrainingState)])
def test_a_stages_state_of_another_form_is_told(
    finished: RunFolder, tmp_path: Path, stage: str, kind: Any
) -> None:
    file, random = tmp_path / "checkpoint.pt", Random(stage)
    state = getattr(load_checkpoint(finished), stage)
    whole = state if stage == "search" else state["training"]
    kind.from_checkpoint(whole, file)
    refused = 0
    for _ in range(MUTATIONS):
        try:
            kind.from_checkpoint(changed(whole, random), file)
        except InputError as error:
            assert_told(error, file)
            refused += 1
    assert refused > MUTATIONS / 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"rows": -1, "seconds": 0.0}, r"expected `int` >= 0 at \$\.rows"),
        ({"rows": 1, "seconds": math.nan}, r"expected `float` >= 0.0 at \$\.seconds"),
        ({"rows": 1}, r"missing required field `seconds` at \$"),
        ({"rows": 1, "seconds": 0.0, "other": {}}, r"unknown field `other` at \$"),
        ({"rows": torch.zeros(2), "seconds": 0.0}, r"expected `int`, got `Tensor` at \$\.rows"),
        ([1], r"expected an object, got list at \$"),
    ],
)
def test_a_checkpoint_that_is_none_is_told(tmp_path: Path, content: Any, said: str) -> None:
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(InputError, match=rf"checkpoint\.pt: .*{said}"):
        load_checkpoint(RunFolder(tmp_path))


def test_values_that_hold_each_other_without_end_are_told(finished: RunFolder) -> None:
    endless: list[Any] = []
    endless.append(endless)
    many: Any = 0
    for _ in range(60):
        many = [many, many]
    for value in (endless, many):
        with pytest.raises(InputError, match=r"x: .* at \$"):
            LearningState.from_checkpoint(value, Path("x"))


def test_tensors_that_do_not_fit_are_told_by_name() -> None:
    mine = {"a": torch.zeros(2), "b": torch.zeros(1, dtype=torch.int64)}
    check_tensors(mine, {"a": torch.ones(2), "b": torch.ones(1, dtype=torch.int64)}, Path("x"))
    for theirs, said in (
        ({"a": torch.zeros(3)}, r"a is of shape \(3,\), not \(2,\)"),
        ({"a": torch.zeros(2).double()}, r"a is of torch\.float64, not torch\.float32"),
        ({"a": torch.tensor([0.0, math.nan])}, "a has a number that is not finite"),
        ({"a": torch.zeros(2).to_sparse()}, "a is no plain tensor"),
        ({"a": torch.zeros(2)}, "b is missing"),
        ({"a": torch.zeros(2), "b": mine["b"], "c": torch.zeros(1)}, "it has no c"),
    ):
        with pytest.raises(InputError, match=f"^x: the weights do not fit the network: {said}"):
            check_tensors(mine, theirs, Path("x"))


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_an_optimizers_state_is_taken_over_or_told(kind: Any) -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = kind([weight], lr=0.1, **({"momentum": 0.9} if kind is torch.optim.SGD else {}))
    weight.sum().backward()
    optimizer.step()
    state = OptimizerState(**copy.deepcopy(optimizer.state_dict()))
    name = next(name for name, tensor in state.state[0].items() if tensor is not None and tensor.dim())
    restore_optimizer(optimizer, state, Path("x"))

    def other(**more: Any) -> OptimizerState:
        return msgspec.structs.replace(state, **more)

    (group,) = state.param_groups
    for wrong, said in (
        (other(param_groups=[]), "settings are not those of the run"),
        (other(param_groups=[group | {"weight_decay": 3.0}]), "settings are not those of the run"),
        (other(param_groups=[group | {"lr": math.nan}]), "settings are not those of the run"),
        (other(state={7: state.state[0]}), "has no parameter 7"),
        (
            other(state={0: {name: torch.zeros(3)}}),
            rf"{name} of the optimizer's parameter 0 is of shape \(3,\)",
        ),
        (other(state={0: {name: torch.full((2,), math.inf)}}), "is not finite"),
    ):
        with pytest.raises(InputError, match=f"^x: .*{said}"):
            restore_optimizer(optimizer, wrong, Path("x"))


# --- places


class Part(Row, frozen=True, kw_only=True):
    value: Amount


class Whole(Row, frozen=True, kw_only=True):
    costs: dict[str, Part]
    parts: tuple[Part, ...] = ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"costs": {"a": {"value": 1}, "macs": {"value": "2"}}}',
            "expected `float`, got `str` at $.costs.macs.value",
        ),
        ('{"costs": {"steps:2": {"value": -1}}}', "expected `float` >= 0.0 at $.costs['steps:2'].value"),
        ('{"costs": {"macs": {"value": NaN}}}', "expected `float` >= 0.0 at $.costs.macs.value"),
        ('{"costs": {"macs": {"value": 1e999}}}', "expected a finite number at $.costs.macs.value"),
        ('{"costs": {"macs": {"valeu": 1}}}', "object contains unknown field `valeu` at $.costs.macs"),
        ('{"costs": {}, "parts": [{"value": 1}, {}]}', "missing required field `value` at $.parts[1]"),
        ('{"costs": {}, "costs": {}}', "an object has two values under one name"),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"costs": ' + "9" * 5000 + "}", "is not JSON (Exceeds the limit"),
        ('{"costs": {"\\ud800": {"value": 1}}}', "is not JSON"),
    ],
)
def test_an_error_names_the_file_the_place_and_the_cure(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        decode_row(text.encode(), Whole, "FILE", cure="make it again")
    assert str(caught.value).startswith("FILE: ")
    assert said in str(caught.value)
    assert str(caught.value).endswith(": make it again")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bsngraph.runs.run_folder.MOST_BYTES", 2**20)
    (tmp_path / "metrics.jsonl").write_bytes(b" " * (2**20 + 1))
    with pytest.raises(InputError, match=r"metrics\.jsonl: is larger than 1 MiB"):
        RunFolder(tmp_path).read_epochs()


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("config.json", {"threads": 10**9}, "expected `int` <= 4096 at $.threads"),
        ("config.json", {"command": "sweep"}, "at $.command"),
        ("config.json", {"recipe": None}, "at $.recipe"),
        ("result.json", {"seconds": -1}, "expected `float` >= 0.0 at $.seconds"),
        (
            "result.json",
            {"edges": {"kept": 3, "searchable": 2, "fixed": 1}},
            "more edges are kept than there are",
        ),
        ("result.json", {"costs": {}}, "there is a budget on price, but no such cost at $"),
        ("splits.json", {"test": [3, 2]}, "not in ascending order at $"),
    ],
)
def test_values_are_looked_at_not_only_their_types(
    finished: RunFolder, tmp_path: Path, name: str, change: dict[str, Any], said: str
) -> None:
    value = json.loads(finished.file(name).read_text(encoding="utf-8")) | change
    (tmp_path / name).write_text(json.dumps(value), encoding="utf-8")
    run = RunFolder(tmp_path)
    read = {"config.json": run.read_config, "result.json": run.read_result, "splits.json": run.read_splits}
    with pytest.raises(InputError) as caught:
        read[name]()
    assert said in str(caught.value)


def test_what_is_written_is_what_is_read(finished: RunFolder, tmp_path: Path) -> None:
    """One struct defines each file: reading and writing it again gives the same
    bytes.
    """
    again = RunFolder(tmp_path)
    for name, row in (
        ("config.json", finished.read_config()),
        ("result.json", finished.read_result()),
        ("splits.json", finished.read_splits()),
        ("certificate.json", finished.read_certificate()),
    ):
        again.write_json(name, row)
        assert again.file(name).read_bytes() == finished.file(name).read_bytes(), name
    again.write_metrics(map(metrics_line, finished.read_epochs()))
    assert again.file("metrics.jsonl").read_bytes() == finished.file("metrics.jsonl").read_bytes()


# --- weights


@pytest.fixture
def run(finished: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the run, to be changed."""
    return RunFolder(Path(shutil.copytree(finished.path, tmp_path / "run")))


def resaved(run: RunFolder, change: Callable[[dict[str, Any]], Any], **facts: str) -> None:
    """Save the weights changed, and the metadata."""
    tensors = load_file(run.file("model.safetensors"))
    change(tensors)
    save_file(tensors, run.file("model.safetensors"), metadata=facts_of(stripes()).metadata() | facts)


def some_nan(tensors: dict[str, Any]) -> None:
    next(tensor for name, tensor in tensors.items() if name.endswith("weight")).view(-1)[0] = math.nan


def doubled(tensors: dict[str, Any]) -> None:
    tensors |= {name: tensor.double() for name, tensor in tensors.items() if tensor.is_floating_point()}


def scaled(tensors: dict[str, Any]) -> None:
    for name, tensor in tensors.items():
        tensors[name] = tensor * 2


@pytest.mark.parametrize(
    ("change", "facts", "said"),
    [
        (some_nan, {}, "has a number that is not finite"),
        (doubled, {}, r"is of torch\.float64, not torch\.float32"),
        (lambda tensors: tensors.popitem(), {}, "is missing"),
        (lambda tensors: tensors.update(extra=torch.zeros(1)), {}, "it has no extra"),
        (lambda tensors: None, {"std": "[0.0]"}, r"expected `float` > 0.0 at \$\.std\[0\]"),
        (lambda tensors: None, {"mean": "[NaN]"}, r"expected a finite number at \$\.mean\[0\]"),
        (lambda tensors: None, {"mean": "[0, 0]"}, "of different numbers of channels"),
        (lambda tensors: None, {"classes": '["one"]'}, r"names 1 classes or outputs at \$\.classes"),
        (lambda tensors: None, {"task": "cooking"}, "there is no task 'cooking'"),
        (lambda tensors: None, {"label_std": "[1, 1]"}, "label_mean and label_std"),
    ],
)
def test_weights_and_facts_are_checked_without_a_certificate(
    run: RunFolder,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], Any],
    facts: Mapping[str, str],
    said: str,
) -> None:
    run.file("certificate.json").unlink()
    assert evaluate_run(run.path, data=stripes()).score.loss > 0
    resaved(run, change, **facts)
    calls: tuple[Callable[[], Any], ...] = (
        lambda: evaluate_run(run.path, data=stripes()),
        lambda: predict(run.path, data=stripes(), out=tmp_path / "out"),
    )
    for call in calls:
        with pytest.raises(InputError, match=rf"model\.safetensors: .*{said}"):
            call()
    assert not (tmp_path / "out").exists()


def test_files_that_are_not_those_of_the_certificate_are_refused(run: RunFolder, tmp_path: Path) -> None:
    content, said = (
        run.file("model.safetensors").read_bytes(),
        "is not the file that certificate.json was made for",
    )
    for change, facts in ((scaled, {}), (lambda tensors: None, {"mean": "[0.5]"})):
        resaved(run, change, **facts)
        for call in (
            lambda: evaluate_run(run.path, data=stripes()),
            lambda: predict(run.path, data=stripes(), out=tmp_path / "out"),
            lambda: load_net(run),
        ):
            with pytest.raises(InputError, match=rf"model\.safetensors: {said}"):
                call()
        run.file("model.safetensors").write_bytes(content)
    graph = run.file("architecture.dot")
    graph.write_text(graph.read_text(encoding="utf-8").replace("relu", "tanh"), encoding="utf-8")
    with pytest.raises(InputError, match=rf"architecture\.dot: {said}"):
        load_delivered(run)


def test_a_certificate_tells_every_file_that_a_reader_believes(finished: RunFolder) -> None:
    checks = list(hash_checks(finished.path, finished.read_certificate()))
    assert all(check.ok for check in checks)
    assert {check.name for check in checks} >= {
        f"file {name}"
        for name in (
            "config.json",
            "result.json",
            "metrics.jsonl",
            "splits.json",
            "oracle.json",
            "fabric.dot",
        )
    }


# --- bugs of ours are no damaged files


class Wrong(Row, frozen=True, kw_only=True):
    value: int

    def __post_init__(self) -> None:
        raise KeyError("a bug")


def test_a_bug_of_ours_after_the_border_is_raised_as_it_is(
    finished: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (KeyError, TypeError, ValueError, AttributeError, RuntimeError):

        def fails(*_: Any, kind: Any = kind, **__: Any) -> Any:
            raise kind("a bug")

        with monkeypatch.context() as patch:
            patch.setattr("bsngraph.delivered.evaluate.evaluate_net", fails)
            with pytest.raises(kind, match="a bug"):
                evaluate_run(finished.path, data=stripes())
        with monkeypatch.context() as patch:
            patch.setattr("bsngraph.searching.delivering.pictures.render_curves", fails)
            with pytest.raises(kind, match="a bug"):
                draw_curves(finished, Silent())


def test_a_bug_of_ours_at_the_border_is_raised_as_it_is(finished: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="a bug"):
        decode_value({"value": 1}, Wrong, "FILE")
    run = RunFolder(tmp_path)
    with pytest.raises(msgspec.ValidationError):
        RunLog(run, "new").keep({"stage": "search", "epoch": 1})
    with pytest.raises(msgspec.ValidationError):
        run.write_json("result.json", plain(finished.read_result()) | {"seconds": -1})
    assert isinstance(finished.read_result(), RunResult)
