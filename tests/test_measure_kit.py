"""Latencies of a device that is not here: the kit that measures there, the file that
comes back, and what a search promises by it. Seconds are made up but for the kit's.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from tiny import DIGITS, no_pictures, written

from bsngraph.cli.main import cli
from bsngraph.errors import InputError
from bsngraph.fabric import architecture_of, read_fabric
from bsngraph.measure import LATENCY_ENGINES, Timing, edge_latencies, random_architectures, read_latencies
from bsngraph.measure.calibration import MeasuredParts, calibrate_edges
from bsngraph.measure.kit import device_script
from bsngraph.measure.kit.write_kit import write_kit
from bsngraph.measure.latency_table import fabric_hash
from bsngraph.measure.piecewise.onnx_running import OnnxRunner
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.supernet import compile_fabric, prune

#: Three networks: either edge, or both.
TWO_EDGES = """\
digraph two {
  graph [source=x, target=y];
  x [input="3"]; y [activation=relu];
  x -> y [op=linear, features=2]; x -> y [op=linear, features=2, activation=tanh];
}
"""

FAST = ("--data", "digits", "--epochs", 1, "--batch-size", 256, "--finetune-epochs", 0)
FAST += ("--candidates", 2, "--finalists", 0, "--threads", 1)


def invoke(*arguments: Any) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def succeeded(*arguments: Any) -> Result:
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    return result


def refused(*arguments: Any) -> str:
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    return result.stderr.partition("Error: ")[2].strip()


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def file_of(profile: FabricProfile, folder: Path, factor: float = 1.0, **more: Any) -> Path:
    """What a device wrote whose edges take their energy in milliseconds, and whose
    networks take `factor` of that, the first one a tenth longer.
    """
    edges = profile.fabric.edges
    energy = {edge.name: edge.costs["energy"] or 0.25 for edge in edges}
    networks = []
    for number, test in enumerate(random_architectures(profile.fabric, 6, seed=0)):
        names = [edges[edge].name for edge in test.live]
        whole = factor * sum(energy[name] for name in names) * (1.1 if number == 0 else 1.0)
        networks.append({"edges": names, "ms": whole})
    conditions = {"device": "cpu", "model": "Toy Phone 3", "threads": 2, "batch": 1, "dtype": "float32"}
    value = {
        "unit": "ms",
        "conditions": conditions | {"torch": "2", "bsngraph": "0", "engine": "onnxruntime 9"},
        "operation_ms": energy,
        "joining_ms": dict.fromkeys(energy, 0.001),
        "networks": networks,
        "fabric": fabric_hash(profile),
    }
    path = folder / "latencies.json"
    path.write_text(json.dumps(value | more), encoding="utf-8")
    return path


@pytest.fixture
def fabric(tmp_path: Path) -> Path:
    return written(DIGITS, tmp_path, "tiny.dot")


@pytest.fixture
def profile(fabric: Path) -> FabricProfile:
    return profile_fabric(read_fabric(fabric))


# --- the kit


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that measured itself, for a moment, as the device would."""
    folder = tmp_path_factory.mktemp("kit")
    written(TWO_EDGES, folder, "two.dot")
    said = succeeded("measure", folder / "two.dot", "--kit", folder / "kit", "--quiet").stdout
    assert "6 models and measure.py" in said
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    words = [sys.executable, "-I", "measure.py", "--seconds", "0.002", "--rounds", "2", "--name", "Toy Phone"]
    ran = subprocess.run(words, cwd=folder / "kit", capture_output=True, text=True, check=True)
    assert "12/12" in ran.stderr
    assert "the latencies of 2 edges on Toy Phone" in ran.stdout
    return folder


def test_what_the_kit_measured_is_a_table_of_the_fabric(kit: Path) -> None:
    file = kit / "kit" / "latencies.json"
    shown = succeeded("measure", kit / "two.dot", "--latencies", file, "--format", "json").stdout
    facts = json.loads(shown)
    assert facts["conditions"]["model"] == "Toy Phone"
    assert facts["conditions"]["engine"].startswith("onnxruntime ")
    assert facts["calibration"]["networks"] == 3
    assert facts["fabric_ms"] == pytest.approx(sum(edge["ms"] for edge in facts["edges"]))
    table = read_latencies(file, profile_fabric(read_fabric(kit / "two.dot")))
    assert table.per_edge.sum() == pytest.approx(facts["fabric_ms"] * (1 + facts["spread"]))
    for name in ("Toy Phone (cpu, onnxruntime ", "x->y#1", "spread: "):
        assert name in succeeded("measure", kit / "two.dot", "--latencies", file).stdout


def test_the_kit_needs_no_module_of_ours(kit: Path) -> None:
    text = (kit / "kit" / "measure.py").read_text(encoding="utf-8")
    imported = {
        line.split()[1].partition(".")[0]
        for line in text.splitlines()
        if line.strip().startswith(("import ", "from "))
    }
    assert imported <= {*sys.stdlib_module_names, "numpy", "onnxruntime"}


def test_a_measurement_goes_on_where_it_was_stopped(
    kit: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(device_script, "HERE", kit / "kit")
    out, measured = kit / "again.json", []

    def milliseconds(name: str, *_: Any) -> float:
        if len(measured) == 4:
            measured.append("stop")
            raise KeyboardInterrupt
        measured.append(name)
        return 5.0 + len(measured)

    monkeypatch.setattr(device_script, "milliseconds", milliseconds)
    words = ["--rounds", "1", "--name", "Toy", "-o", str(out)]
    assert device_script.run_kit(words) == 130
    assert "goes on where it was" in capsys.readouterr().err
    assert not out.exists()
    assert device_script.run_kit(words) == 0
    assert len(measured) == 6 + 1
    assert sorted({*measured} - {"stop"}) == sorted(read(kit / "kit" / "kit.json")["models"])
    assert read(out)["networks"][0]["ms"] in (6 + 3, 6 + 5)
    assert not out.with_name("progress.json").exists()


def test_what_the_device_lacks_is_said(
    kit: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        device_script.run_kit(["--threads", "0"])
    assert "must be a whole number from 1 to 4096" in capsys.readouterr().err
    assert device_script.run_kit([]) == 1
    assert "copy the whole folder" in capsys.readouterr().err
    monkeypatch.setattr(device_script, "HERE", kit / "kit")
    assert device_script.run_kit(["--provider", "ToasterExecutionProvider"]) == 1
    assert "there is no ToasterExecutionProvider here" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert device_script.run_kit([]) == 1
    assert "pip install numpy onnxruntime" in capsys.readouterr().err


def test_a_folder_in_the_way_and_what_onnx_cannot_hold_leave_nothing(
    fabric: Path, profile: FabricProfile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kit").mkdir()
    assert "is there already" in refused("measure", fabric, "--kit", tmp_path / "kit")
    monkeypatch.setattr("torch.onnx.export", lambda *_, **__: (_ for _ in ()).throw(ValueError("no Roll")))
    with pytest.raises(
        InputError, match=r"from->to#0 \(conv\): cannot be written as ONNX \(ValueError: no Roll"
    ):
        write_kit(profile, tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kit", "tiny.dot"]


def test_one_thing_is_asked_at_a_time(fabric: Path, tmp_path: Path) -> None:
    said = refused("measure", fabric, "--kit", tmp_path / "kit", "-o", tmp_path / "here.json")
    assert "--kit, --latencies and -o exclude each other" in said
    assert "give -o another name" in refused("measure", fabric, "-o", fabric)


# --- calibration and spread


def test_the_spread_is_what_a_network_left_out_of_the_fit_took_longer() -> None:
    random = np.random.default_rng(0)
    operation, joining, live = random.random(5) + 1, random.random(5), random.random((8, 5)) < 0.6
    live[:, 0] = True
    whole = live @ (0.8 * operation + 0.3 * joining) * (1 + 0.1 * random.standard_normal(8))
    for each in (True, False):
        found, errors = calibrate_edges(MeasuredParts(operation, joining, live, whole), each=each), []
        for one in range(8):
            rest = np.delete(np.arange(8), one)
            others = MeasuredParts(operation, joining, live[rest], whole[rest])
            errors.append(calibrate_edges(others, each=each).edge_ms @ live[one] / whole[one] - 1)
        assert found.spread == pytest.approx(max(1 / (1 + error) - 1 for error in errors))
        assert found.calibration.error == pytest.approx(np.mean(np.abs(errors)))
        assert found.spread > 0
    alike = calibrate_edges(MeasuredParts(operation, joining, live, live @ operation))
    assert alike.spread == pytest.approx(0, abs=1e-12)
    one = np.ones((1, 1), dtype=np.bool_)
    assert (
        calibrate_edges(MeasuredParts(np.array([2.0]), np.array([0.0]), one, np.array([3.0]))).spread == 0.5
    )


def test_a_table_measured_here_comes_back_from_its_file(
    fabric: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bsngraph.measure.pricing.default_cache", lambda: None)
    monkeypatch.setattr(
        "bsngraph.measure.pricing.edge_latencies",
        lambda profile, **more: edge_latencies(
            profile, **more, measure=lambda *_, **__: Timing(2.0, 1.0, 3.0, 7)
        ),
    )
    here, words = tmp_path / "here.json", ("--threads", 1, "--format", "json")
    shown = json.loads(succeeded("measure", fabric, "-o", here, *words).stdout)
    assert json.loads(succeeded("measure", fabric, "--latencies", here, *words).stdout) == shown
    checked = succeeded("check", fabric, "--latencies", here, *words[:2], "--budget", "latency=9ms")
    assert "was measured here: networks are measured whole as well" in checked.stderr


# --- files that are wrong


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda value: value.pop("fabric"), "does not say what fabric it is of, at $.fabric"),
        (
            lambda value: value.update(fabric="0" * 64),
            "is of another fabric, which has other edges or shapes",
        ),
        (lambda value: value["operation_ms"].pop("a->b#0"), "are of different edges"),
        (lambda value: value["operation_ms"].update({"a->b#0": 0}), "0 ms at $.operation_ms['a->b#0']"),
        (lambda value: value["joining_ms"].update({"a->b#0": 1e12}), "1e+12 ms at $.joining_ms['a->b#0']"),
        (lambda value: value["operation_ms"].update({"a->b#0": float("nan")}), "at $.operation_ms"),
        (lambda value: value["networks"][1].update(ms=-2), "at $.networks[1].ms"),
        (lambda value: value["networks"][1].update(ms="soon"), "at $.networks[1].ms"),
        (lambda value: value["networks"][1].update(edges=["a->b#9"]), "or one without a latency"),
        (lambda value: value["networks"][1].update(edges=["a->b#0"]), "$.networks[1] is no network"),
        (lambda value: value["networks"].append(value["networks"][0]), "$.networks has a network twice"),
        (lambda value: value.update(networks=value["networks"][:2]), "has 2 networks measured whole"),
        (
            lambda value: value.update(networks=[value["networks"][0]] * 201),
            "has 201 networks measured whole at $.networks: keep 200 of them",
        ),
        (lambda value: value.update(edge_ms={"a->b#0": 1.0}), "operation_ms and edge_ms are of different"),
        (lambda value: value["networks"][1].update(ms=1e-300), "1e-300 ms at $.networks[1].ms"),
        (lambda value: value["conditions"].update(threads=0), "at $.conditions.threads"),
        (lambda value: value["conditions"].update(color="red"), "unknown field `color`"),
        (lambda value: value.update(unit="s"), "at $.unit"),
    ],
)
def test_a_strangers_file_that_is_wrong_says_where(
    fabric: Path, profile: FabricProfile, tmp_path: Path, spoil: Any, said: str
) -> None:
    file = file_of(profile, tmp_path)
    value = read(file)
    spoil(value)
    file.write_text(json.dumps(value), encoding="utf-8")
    found = refused("check", fabric, "--latencies", file, "--budget", "latency=9ms")
    assert said in found
    assert str(file) in found


def test_a_table_of_more_edges_is_of_another_fabric(
    fabric: Path, profile: FabricProfile, tmp_path: Path
) -> None:
    file = file_of(profile, tmp_path)
    value = read(file)
    for part in ("operation_ms", "joining_ms"):
        value[part]["a->b#7\n[red]"] = 1.0
    file.write_text(json.dumps(value), encoding="utf-8")
    found = refused("check", fabric, "--latencies", file, "--budget", "latency=9ms")
    assert "which has the edge a->b#7" in found
    assert "[red] at $.operation_ms" in found
    assert "\n" not in found


def test_what_a_stranger_calls_his_device_is_shown_as_text(
    fabric: Path, profile: FabricProfile, tmp_path: Path
) -> None:
    file = file_of(profile, tmp_path)
    value = read(file)
    value["conditions"]["model"] = "\x1b[31mred\n[bold]" + "x" * 10_000
    file.write_text(json.dumps(value), encoding="utf-8")
    shown = succeeded("measure", fabric, "--latencies", file).stdout
    assert "\x1b" not in shown
    assert "[bold]xxx" in shown.splitlines()[0]
    assert len(shown.splitlines()[0]) < 200


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("macs=50%", "has latencies, and no budget asks for any: give --budget latency=LIMIT"),
        ("latency@onnx=5ms", "is measured here, and "),
    ],
)
def test_a_file_that_no_budget_can_use_is_refused(
    fabric: Path, profile: FabricProfile, tmp_path: Path, budget: str, said: str
) -> None:
    file = file_of(profile, tmp_path)
    assert said in refused("check", fabric, "--latencies", file, "--budget", budget)


# --- what a search promises


def test_a_search_promises_the_sum_and_its_spread_and_measures_nothing(
    fabric: Path, profile: FabricProfile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_pictures(monkeypatch)
    for place in ("searching.choosing.measure_whole", "certificate.counters"):
        monkeypatch.setattr(f"bsngraph.{place}.measure_network", lambda *_, **__: pytest.fail("it measured"))
    file, run, smaller = file_of(profile, tmp_path, 1.5), tmp_path / "run", tmp_path / "smaller"
    table = read_latencies(file, profile)
    words = ("--latencies", file, "--budget", "latency=6ms")
    result = succeeded("search", fabric, *FAST, *words, "--out", run)
    assert "no network can be measured whole there" in result.stderr
    assert "latency: on Toy Phone 3 (cpu, onnxruntime 9, 2 threads, 1 example), not measured" in result.stdout

    names = [edge.name for edge in read_fabric(run / "architecture.dot").edges]
    sum_ms = sum(table.calibrated[profile.fabric.edge_index[name]] for name in names)
    cost, certified = read(run / "result.json")["costs"]["latency"], read(run / "certificate.json")
    assert cost["estimated"] == pytest.approx(sum_ms)
    assert cost["value"] == pytest.approx(sum_ms * (1 + table.spread))
    assert table.spread > 0.01
    assert cost["value"] <= 6
    assert "low" not in cost
    assert cost["conditions"]["model"] == "Toy Phone 3"
    stated = certified["costs"]["latency"]
    assert stated["value"] == pytest.approx(cost["value"])
    assert (stated["spread"], stated["conditions"]["threads"]) == (table.spread, 2)
    assert "measured on another device" in stated["by"]
    assert "Toy Phone 3" in succeeded("verify", run, "--format", "json").stdout

    (run / "result.json").unlink()  # as if it had been stopped before the end
    succeeded("search", fabric, *FAST, *words, "--out", run, "--resume")
    succeeded("prune", run, "--budget", "latency=4ms", "--out", smaller)
    assert read(smaller / "result.json")["costs"]["latency"]["conditions"]["model"] == "Toy Phone 3"
    assert read(smaller / "result.json")["budgets"][0]["met"]
    file_of(profile, tmp_path, 1.6)
    assert "costs.latencies was " in refused("search", fabric, *FAST, *words, "--out", run, "--resume")

    changed = read(run / "latencies.json")
    changed["spread"] = 0.0
    (run / "latencies.json").write_text(json.dumps(changed), encoding="utf-8")
    wrong = invoke("verify", run, "--format", "json")
    failed = {check["name"] for check in json.loads(wrong.stdout)["checks"] if check["ok"] is False}
    assert wrong.exit_code == 1
    assert {"file latencies.json", "spread of latencies.json", "cost latency"} <= failed
    for name, damaged in (("fabric.dot", "digraph {"), ("latencies.json", "{"), ("latencies.json", None)):
        if damaged is None:
            (run / name).unlink()
        else:
            (run / name).write_text(damaged, encoding="utf-8")
        wrong = invoke("verify", run, "--format", "json")
        assert wrong.exit_code == 1, wrong.output
        assert any(
            name in check["name"] and check["ok"] is False for check in json.loads(wrong.stdout)["checks"]
        )


# --- the engine that a cost names


def test_onnxruntime_runs_what_torch_runs_and_a_fabric_is_written_once(tmp_path: Path) -> None:
    text = """digraph { graph [source="x,z", target="y,v"]; edge [op=linear, features=3];
        x [input="3"]; z [input="3"]; y; v; x -> y; z -> y; z -> v }"""
    profile = profile_fabric(read_fabric(written(text, tmp_path)))
    whole = architecture_of(profile.fabric, np.ones(3, dtype=np.bool_))
    net = compile_fabric(prune(profile, whole), seed=0).eval()
    runner, inputs = OnnxRunner(1), {name: torch.randn(4, 3) for name in ("x", "z")}
    with torch.no_grad():
        wanted = net(inputs)
    for _ in range(2):
        found: Any = runner(net, inputs)()
        for values, name in zip(found, ("y", "v"), strict=True):
            np.testing.assert_allclose(values, wanted[name].numpy(), atol=1e-6)
    assert len(runner.files) == 1


def test_a_latency_by_onnxruntime_is_measured_by_it_edge_by_edge_and_whole(
    fabric: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_pictures(monkeypatch)
    engines, real = [], edge_latencies
    onnx = LATENCY_ENGINES["latency@onnx"]

    def table(profile: FabricProfile, *, cache: Path | None, engine: Any, **more: Any) -> Any:
        engines.append(engine)
        found = real(profile, **more, runner=lambda net, _: net, measure=timed, networks=2)
        return type(found)(**{**vars(found), "conditions": onnx_conditions(found.conditions)})

    def onnx_conditions(conditions: Any) -> Any:
        return type(conditions)(
            *[getattr(conditions, name) for name in conditions.__struct_fields__[:-1]], "o"
        )

    def timed(net: Any, **_: Any) -> Timing:
        took = float(len(net.fabric.edges))
        return Timing(took, took, took, 1)

    def whole(net: Any, *, engine: Any, **_: Any) -> Timing:
        engines.append(engine)
        return timed(net)

    monkeypatch.setattr("bsngraph.measure.pricing.edge_latencies", table)
    for place in ("searching.choosing.measure_whole", "certificate.counters"):
        monkeypatch.setattr(f"bsngraph.{place}.measure_network", whole)
    run = tmp_path / "run"
    succeeded("search", fabric, *FAST, "--budget", "latency@onnx=3.5ms", "--out", run)
    assert set(engines) == {onnx}
    cost = read(run / "result.json")["costs"]["latency@onnx"]
    assert cost["value"] == 3
    stated = read(run / "certificate.json")["costs"]["latency@onnx"]
    assert stated["conditions"]["engine"].startswith("onnxruntime ")
    assert "the certificate holds" in succeeded("verify", run).stdout
    assert engines.count(onnx) == len(engines)

    engines.clear()
    succeeded("prune", run, "--budget", "latency=3.5ms", "--out", tmp_path / "by-torch")
    assert set(engines) == {LATENCY_ENGINES["latency"]}, "the run's table is of another engine"


def test_two_engines_and_one_that_is_not_here_are_refused(
    fabric: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = ("--budget", "latency=5ms", "--budget", "latency@onnx=5ms")
    assert "name two engines: a run measures by one" in refused("check", fabric, *both)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "pip install 'bsngraph[onnx]'" in refused("check", fabric, "--budget", "latency@onnx=5ms")
    assert "pip install 'bsngraph[onnx]'" in refused("measure", fabric, "--engine", "onnx")
