"""Exports: what a network answers outside bsngraph, the folder that appears whole or
not at all, its proof, and the proof again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from packed import TASK_FABRICS, packed
from safetensors.torch import load_file, save_file
from tiny import DIGITS, fabric_of, no_pictures, written

import bsngraph
from bsngraph.cli.main import cli
from bsngraph.errors import BsngraphError, InputError
from bsngraph.exporting import EXPORT_FORMATS, ExportOptions, export
from bsngraph.exporting.engine import GraphCounts, TorchEngine
from bsngraph.exporting.exported_folder import appearing
from bsngraph.exporting.formats import ExportFormat
from bsngraph.exporting.package import ExportPackage, pack
from bsngraph.exporting.proof.parity import BATCHES, made_up, parity
from bsngraph.exporting.proof.verifying import verify_export
from bsngraph.tasks import TASKS

FAST = ("--data", "digits", "--epochs", 1, "--batch-size", 256, "--finetune-epochs", 0, "--candidates", 2)
FAST += ("--finalists", 0, "--threads", 1, "--quiet")


def invoke(*arguments: Any) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def refused(*arguments: Any, exit_code: int = 2) -> str:
    result = invoke(*arguments)
    assert result.exit_code == exit_code, result.output
    return result.stderr.removeprefix("Error: ").rstrip()


# --- a format: the weights as they are, and the network from them


def write_twin(package: ExportPackage, folder: Path, options: ExportOptions) -> None:
    save_file(dict(package.network.state_dict()), folder / "twin.safetensors")


def load_twin(folder: Path, package: ExportPackage, trusted: bool) -> TorchEngine:
    package.network.load_state_dict(load_file(folder / "twin.safetensors"))
    return TorchEngine(package.network, package.network.inputs)


TWIN = ExportFormat(
    name="twin", help="for tests", writer=f"{__name__}:write_twin", loader=f"{__name__}:load_twin"
)


@pytest.fixture(autouse=True)
def twin(monkeypatch: pytest.MonkeyPatch) -> None:
    """One entry adds a format."""
    monkeypatch.setitem(EXPORT_FORMATS, "twin", TWIN)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        words = ("--budget", "macs=80%", "--out", folder / "run")
        assert invoke("search", written(DIGITS, folder), *FAST, *words).exit_code == 0
    return folder / "run"


@pytest.fixture(scope="module")
def template(run: Path) -> ExportPackage:
    return pack(run)


@pytest.fixture
def exported(run: Path, tmp_path: Path) -> Path:
    return export(run, "twin", tmp_path / "exported").folder


# --- the raw network


@pytest.mark.parametrize("name", TASK_FABRICS)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64], ids=str)
def test_the_raw_network_answers_what_the_task_predicts_of_the_normalised_input(
    name: str, dtype: torch.dtype, template: ExportPackage, tmp_path: Path
) -> None:
    text, task = TASK_FABRICS[name]
    package = packed(fabric_of(text, tmp_path), task, template, dtype=dtype)
    batch = made_up(package, 7)
    answer = TorchEngine(package.network, package.network.inputs).run(batch)
    facts, sources = package.facts, package.network.inputs
    values = batch if isinstance(batch, dict) else {sources[0].name: batch}
    given = {}
    for source in sources:
        raw = torch.from_numpy(values[source.name])
        assert raw.dtype == dtype
        shape = (1, 1, -1) if raw.dim() == 3 else (1, -1, *[1] * (raw.dim() - 2))
        mean, std = (
            torch.tensor(facts.mean).double().view(shape),
            torch.tensor(facts.std).double().view(shape),
        )
        given[source.name] = ((raw.double() - mean) / std).float()
    with torch.no_grad():
        outputs = package.delivered.net(given if len(given) > 1 else next(iter(given.values())))
    bound = facts.bound_task(torch.device("cpu"))
    targets = outputs if isinstance(outputs, dict) else {"": outputs}
    for target, of_target in targets.items():
        prefix = f"{target}." if target else ""
        predicted = bound.predicted(of_target)
        found = torch.from_numpy(answer[prefix + bound.row.form.prediction])
        if predicted.is_floating_point():
            assert torch.allclose(found, predicted, rtol=1e-5, atol=1e-5)
        else:
            assert torch.equal(found, predicted)
        if bound.row.form.probabilities is not None:
            wanted = bound.row.form.probabilities(of_target)
            assert torch.allclose(torch.from_numpy(answer[prefix + "probabilities"]), wanted, atol=1e-6)
    assert len(answer) == len(targets) * len(bound.row.form.names)
    assert [(each.name, answer[each.name].shape[1:], str(answer[each.name].dtype)) for each in
            package.network.outputs] == [(each.name, each.shape, each.dtype) for each in
                                         package.network.outputs]  # fmt: skip


@pytest.mark.parametrize("name", TASK_FABRICS)
def test_logits_are_what_the_network_itself_gives_for_raw_input(
    name: str, template: ExportPackage, tmp_path: Path
) -> None:
    text, task = TASK_FABRICS[name]
    package = packed(fabric_of(text, tmp_path), task, template, logits=True)
    assert {each.holds for each in package.network.outputs} == {"logits"}
    rows = parity(package, TorchEngine(package.reference, ()), TorchEngine(package.network, ()))
    assert [row.batch for row in rows] == list(BATCHES)
    assert all(row.difference <= 1e-5 and row.others == 0 for row in rows)


@pytest.mark.parametrize("task", TASKS)
def test_metrics_of_answers_are_those_of_the_outputs(task: str, template: ExportPackage) -> None:
    generator = torch.Generator().manual_seed(3)
    facts = replace(template.facts, task=task, classes=("a", "b", "c"))
    if task == "regression":
        facts = replace(facts, label_mean=(1.0, 2.0, 30.0), label_std=(0.5, 1.0, 9.0))
    bound = facts.bound_task(torch.device("cpu"))
    outputs = 3 * torch.randn(200, 3, *((4, 4) if task == "segmentation" else ()), generator=generator)
    labels = bound.predicted(outputs.roll(1, dims=0)).float()
    labels = labels if bound.row.labels.layout == "columns" else labels.long()
    answer = {bound.row.form.prediction: bound.predicted(outputs)}
    if bound.row.form.probabilities is not None:
        answer["probabilities"] = bound.row.form.probabilities(outputs)
    direct, back = bound.meter(), bound.meter()
    direct.update(outputs, labels)
    back.update(bound.row.form.outputs(answer, bound.facts), labels)
    for name, value in direct.measured().metrics.items():
        assert back.measured().metrics[name] == pytest.approx(value, abs=1e-6)


def test_a_network_of_other_channels_than_its_facts_is_refused(template: ExportPackage) -> None:
    from bsngraph.exporting.raw_network import raw_inputs

    delivered = replace(template.delivered, facts=replace(template.facts, mean=(0.0, 0.0), std=(1.0, 1.0)))
    with pytest.raises(InputError, match="normalises 2 channels, but source image has 1"):
        raw_inputs(delivered, torch.uint8)
    with pytest.raises(InputError, match="examples of type bfloat16 cannot be exported"):
        raw_inputs(template.delivered, torch.bfloat16)


# --- the folder and its proof


def test_an_export_says_what_it_holds_and_proves_it(run: Path, exported: Path) -> None:
    said = json.loads((exported / "export.json").read_text(encoding="utf-8"))
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert said["task"] == "classification"
    assert said["classes"] == [str(digit) for digit in range(10)]
    assert said["mean"] == config["data"]["mean"]
    assert said["inputs"] == [
        {"name": "image", "shape": [1, 8, 8], "dtype": "uint8", "layout": "NCHW", "low": 0, "high": 16}
    ]
    assert [(each["name"], each["dtype"]) for each in said["outputs"]] == [
        ("probabilities", "float32"),
        ("class", "int64"),
    ]
    assert [row["batch"] for row in said["parity"]] == [1, 2, 7]
    assert all(row["difference"] < 1e-5 and row["others"] == 0 for row in said["parity"])
    assert said["metric"]["after"] == pytest.approx(result["metrics"]["test"]["accuracy"], abs=1e-9)
    assert said["metric"]["before"] == said["metric"]["after"]
    assert said["costs"]["macs"]["exported"] == result["costs"]["macs"]["value"]
    assert said["costs"]["params"]["exported"] <= result["costs"]["params"]["value"]
    assert [(each["text"], each["met"]) for each in said["budgets"]] == [("macs=80%", True)]
    assert set(said["files"]) == {"twin.safetensors"} | {
        f"run/{path.name}" for path in (exported / "run").iterdir()
    }
    assert {"certificate.json", "model.safetensors", "architecture.dot", "splits.json"} <= {
        path.name for path in (exported / "run").iterdir()
    }


def test_an_export_holds_when_its_proof_is_made_again(exported: Path) -> None:
    result = invoke("verify", exported)
    assert result.exit_code == 0
    assert "the export holds" in result.stdout
    checks = verify_export(exported).checks
    assert {check.ok for check in checks} <= {True, None}
    names = {check.name for check in checks}
    assert {"answers of a batch of 7", "test accuracy", "exported macs", "run: cost macs", "weights"} <= names


def test_the_metric_is_only_stated_without_the_data_and_data_can_be_named(
    exported: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused("verify", exported, "--data", "digts").endswith("did you mean 'digits'?")
    assert refused("verify", run, "--data", "digits").startswith("--data is for exported folders")
    assert invoke("verify", exported, "--data", "digits").exit_code == 0

    def gone(*said: Any) -> Any:
        raise InputError("the data are not here")

    monkeypatch.setattr("bsngraph.exporting.package.prepared_data", gone)
    monkeypatch.setattr("bsngraph.exporting.package.named_data", gone)
    verification = verify_export(exported)
    (metric,) = [check for check in verification.checks if check.name == "test accuracy"]
    assert (metric.ok, metric.found, verification.ok) == (None, "the data are not here", True)


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a weight of the export": (lambda at: spoil(at / "twin.safetensors"), "file twin.safetensors"),
    "a weight of the run": (
        lambda at: spoil(at / "run" / "model.safetensors"),
        "run: file model.safetensors",
    ),
    "a file is gone": (lambda at: (at / "run" / "splits.json").unlink(), "file run/splits.json"),
    "a file was added": (lambda at: (at / "more.txt").write_text("x"), "file more.txt"),
    "another certificate": (lambda at: spoil(at / "run" / "certificate.json"), "certificate"),
}  # fmt: skip


def test_a_budget_on_a_cost_that_the_result_does_not_have_is_an_error_of_input(
    exported: Path,
) -> None:
    path = exported / "run" / "config.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    said["budgets"][0]["cost"] = "params:7"
    path.write_text(json.dumps(said), encoding="utf-8")
    checks = {check.name: check for check in verify_export(exported).checks}
    assert "says nothing of params:7, on which config.json has a budget" in checks["network"].found


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_changed_folder_does_not_verify(damage: str, exported: Path) -> None:
    change, name = DAMAGES[damage]
    change(exported)
    wrong = {check.name for check in verify_export(exported).checks if check.ok is False}
    assert name in wrong
    assert invoke("verify", exported).exit_code == 1


def test_a_record_that_says_less_cost_does_not_verify(exported: Path) -> None:
    path = exported / "export.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    said["costs"]["macs"]["exported"] -= 1
    said["metric"]["after"] += 0.01
    path.write_text(json.dumps(said), encoding="utf-8")
    wrong = {check.name for check in verify_export(exported).checks if check.ok is False}
    assert wrong == {"exported macs", "test accuracy"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "object missing required field `format` at $"),
        ("[", "is not JSON"),
        ('{"format": "twin", "more": 1}', "at $"),
    ],
)
def test_a_damaged_record_is_an_error_of_input(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text(content, encoding="utf-8")
    assert said in refused("verify", tmp_path)


class Altered:
    """An engine that is not quite the network."""

    def __init__(self, engine: TorchEngine, how: str) -> None:
        self.engine, self.how = engine, how

    def run(self, batch: Any) -> dict[str, Any]:
        answer = self.engine.run(batch)
        if self.how == "outputs":
            return answer | {"probabilities": answer["probabilities"] + np.float32(1e-3)}
        if self.how == "classes":
            return answer | {"class": (answer["class"] + 1) % 10}
        if self.how == "infinite":
            return answer | {"probabilities": np.full_like(answer["probabilities"], np.nan)}
        if self.how == "frozen batch":
            return {name: values[:1] for name, values in answer.items()} if len(batch) == 7 else answer
        return answer

    def counts(self) -> GraphCounts:
        counted = self.engine.counts()
        return replace(counted, macs=20 * counted.macs) if self.how == "cost" else counted


ALTERATIONS = {
    "outputs": "a batch of 1: outputs differ by",
    "classes": "a batch of 7: 7 classes or decisions are others",
    "infinite": "a batch of 2: outputs differ by 1 of the largest one",
    "frozen batch": "a batch of 7: outputs differ by 1",
    "cost": "budget macs=80%: the export costs",
}


@pytest.mark.parametrize("how", ALTERATIONS)
def test_a_failed_proof_leaves_nothing_and_exits_with_1(
    how: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXPORT_FORMATS, "twin", replace(TWIN, loader=f"{__name__}:load_altered", help=how))
    monkeypatch.setitem(globals(), "HOW", how)
    said = refused("export", run, "--format", "twin", "-o", tmp_path / "out", exit_code=1)
    assert said.startswith("the export failed its proof, and nothing was written:\n")
    assert ALTERATIONS[how] in said
    assert list(tmp_path.iterdir()) == []


HOW = ""


def load_altered(folder: Path, package: ExportPackage, trusted: bool) -> Altered:
    return Altered(load_twin(folder, package, trusted), HOW)


def test_a_failed_proof_leaves_the_export_that_was_there(
    run: Path, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (exported / "export.json").read_bytes()
    monkeypatch.setitem(EXPORT_FORMATS, "twin", replace(TWIN, loader=f"{__name__}:load_altered"))
    monkeypatch.setitem(globals(), "HOW", "outputs")
    with pytest.raises(BsngraphError, match="failed its proof"):
        export(run, "twin", exported, overwrite=True)
    assert (exported / "export.json").read_bytes() == before
    assert [path.name for path in exported.parent.iterdir()] == ["exported"]


def test_an_interrupted_export_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with appearing(tmp_path / "deep" / "out") as folder:
            (folder / "half").write_text("x", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list((tmp_path / "deep").iterdir()) == []


# --- what is in the way, and what cannot be exported


def test_a_folder_in_the_way_is_an_error_unless_it_is_an_export_to_overwrite(
    run: Path, exported: Path, tmp_path: Path
) -> None:
    words = ("export", run, "--format", "twin", "-o")
    said = refused(*words, exported)
    assert said == f"{exported} holds an export: give another -o, or replace it by --overwrite"
    assert invoke(*words, exported, "--overwrite").exit_code == 0
    mine = tmp_path / "mine"
    mine.mkdir()
    assert invoke(*words, mine).exit_code == 0, "an empty folder is not in the way"
    shutil.rmtree(mine)
    mine.mkdir()
    (mine / "thesis.txt").write_text("x", encoding="utf-8")
    for more in ((), ("--overwrite",)):
        assert refused(*words, mine, *more) == f"{mine} is there and is no exported folder: give another -o"
    assert refused(*words, mine / "thesis.txt").startswith(f"{mine / 'thesis.txt'} is there and is no")
    assert (mine / "thesis.txt").read_text() == "x"
    assert refused(*words, run) == f"{run} is there and is no exported folder: give another -o"
    said = refused("export", exported, "--format", "twin", "-o", tmp_path / "again")
    assert said == f"{exported} is an exported folder: name a run, such as the one in it, {exported}/run"


def test_overwriting_keeps_files_that_are_not_the_exports(run: Path, exported: Path) -> None:
    (exported / "notes.txt").write_text("mine", encoding="utf-8")
    said = refused("export", run, "--format", "twin", "-o", exported, "--overwrite")
    assert said == f"{exported} holds notes.txt, which is not of the export: move it, or give another -o"
    assert (exported / "notes.txt").read_text() == "mine"


def test_a_run_without_weights_or_with_others_is_not_exported(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    words = ("export", copy, "--format", "twin", "-o", tmp_path / "out")
    spoil(copy / "model.safetensors")
    said = refused(*words)
    assert said.startswith(
        f"{copy / 'model.safetensors'}: is not the file that certificate.json was made for"
    )
    (copy / "model.safetensors").unlink()
    assert "there is no finished network in it" in refused(*words)
    (copy / "result.json").unlink()
    assert refused(*words).endswith(f"is {copy} a run folder, and its run finished?")
    assert not (tmp_path / "out").exists()
    assert "cannot be read (there is no such file)" in refused("export", tmp_path / "none", *words[2:])


def test_unknown_formats_options_and_missing_packages_are_errors_with_a_cure(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = ("-o", tmp_path / "out")
    assert refused("export", run, "--format", "onxx", *out) == (
        "there is no export format 'onxx': did you mean 'onnx'?"
    )
    assert refused("export", run, "--format", "twin", "--opset", 18, *out) == (
        "--opset is for --format onnx, not for twin: leave it out"
    )
    lacking = replace(TWIN, packages=("no_such_package",), install="pip install 'bsngraph[twin]'")
    monkeypatch.setitem(EXPORT_FORMATS, "twin", lacking)
    assert refused("export", run, "--format", "twin", *out) == (
        "--format twin needs no_such_package, not installed here: pip install 'bsngraph[twin]'"
    )


def test_help_lists_every_format() -> None:
    said = " ".join(invoke("export", "--help").stdout.split())
    for name in EXPORT_FORMATS.keys() - {"twin"}:
        assert name in said


def test_an_export_can_be_printed_as_json(run: Path, tmp_path: Path) -> None:
    said = json.loads(
        invoke("export", run, "--format", "twin", "-o", tmp_path / "out", "--logits", "--json").stdout
    )
    assert said.pop("folder") == str(tmp_path / "out")
    assert said == json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in said["outputs"]] == ["logits"]


# --- programs of torch.export


@pytest.fixture(scope="module")
def program(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bsngraph.export(run, "torch-export", tmp_path_factory.mktemp("program") / "out").folder


def test_a_program_needs_torch_alone_and_takes_any_batch(program: Path) -> None:
    extra = {"classes.txt": ""}
    module = torch.export.load(program / "model.pt2", extra_files=extra).module()
    assert json.loads(extra["classes.txt"]) == [str(digit) for digit in range(10)]
    for batch in (1, 5):
        answer = module(torch.zeros(batch, 1, 8, 8, dtype=torch.uint8))
        assert answer["class"].shape == (batch,)


def test_a_strangers_program_is_not_read_unless_it_is_what_its_run_gives(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verify_export(program).ok
    copy = tmp_path / "copy"
    shutil.copytree(program, copy)
    spoil(copy / "model.pt2")

    def read(path: Path) -> Iterator[None]:
        raise AssertionError("a stranger's file is read")

    monkeypatch.setattr(torch.export, "load", read)
    checks = {check.name: check for check in verify_export(copy).checks}
    assert checks["export"].ok is False
    assert "reading it could execute code: use --trust" in checks["export"].found
