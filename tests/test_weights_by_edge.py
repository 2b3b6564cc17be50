"""Runs that begin with weights from a file, by edge name: what is taken, what stays
fresh and is said, what is refused, and that the run knows its file again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file, save_file
from test_search import Killed, bits
from tiny import DIGITS, STRIPES_NORM, fabric_of, no_pictures, recipe, settings, stripes, written

from bsngraph.cli.main import cli
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture
from bsngraph.profile import profile_fabric
from bsngraph.runs import RunFolder
from bsngraph.searching import prune_run, search, train
from bsngraph.searching.learning.given_weights import GivenWeights, read_given_weights
from bsngraph.supernet import compile_fabric, load_known_weights, named_weights, prune
from bsngraph.training import NetTraining, Silent, derived_seed

DATA = stripes()
BARE = {"threads": 1, "device": "cpu"}


class Notes(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A search that delivered an architecture of its fabric."""
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        folder = tmp_path_factory.mktemp("runs")
        given: dict[str, Any] = {"recipe": recipe(), "settings": settings(), **BARE}
        search(fabric_of(STRIPES_NORM, folder), DATA, "price=5", out=folder / "first", **given)
        yield folder / "first"


def read(text: str, folder: Path, file: Path) -> tuple[GivenWeights, str]:
    notes = Notes()
    found = read_given_weights(profile_fabric(fabric_of(text, folder)), file, notes)
    assert found is not None
    (said,) = notes.said
    return found, said


def test_an_architecture_s_weights_go_into_its_fabric_and_the_rest_stays_fresh(first, tmp_path):
    file = first / "model.safetensors"
    found, said = read(STRIPES_NORM, tmp_path, file)
    theirs = load_file(file)
    assert found.weights.keys() == theirs.keys()
    net, fresh = (compile_fabric(fabric_of(STRIPES_NORM, tmp_path), seed=5) for _ in range(2))
    load_known_weights(net, found.weights)
    for name, tensor in named_weights(net).items():
        expected = theirs[name] if name in theirs else named_weights(fresh)[name]
        assert torch.equal(tensor, expected), name
    assert said == (f"{file}: weights of 3 of 4 edges with weights are taken; fresh: h->g#mix")


def test_names_that_a_larger_fabric_has_and_names_that_a_smaller_one_lacks_are_said(first, tmp_path):
    file = first / "model.safetensors"
    larger = STRIPES_NORM.replace("  h -> g [key=skip", "  h -> g [key=new];\n  h -> g [key=skip")
    assert read(larger, tmp_path, file)[1].endswith("; fresh: h->g#mix, h->g#new")
    lines = STRIPES_NORM.splitlines()
    smaller = "\n".join(line for line in lines if "key=wide" not in line and "key=mix" not in line)
    assert read(smaller, tmp_path, file)[1].endswith("; none is fresh; not in this fabric: image->h#wide")


def test_learning_begins_with_the_weights_of_the_file(first, tmp_path):
    """With a rate of nearly nothing the delivered weights are still those."""
    file, still = first / "model.safetensors", recipe(epochs=1, learning_rate=1e-12, weight_decay=0.0)
    fabric = fabric_of((first / "architecture.dot").read_text(encoding="utf-8"), tmp_path)
    train(fabric, DATA, out=tmp_path / "run", recipe=still, weights=file, **BARE)
    before, after = load_file(file), load_file(tmp_path / "run" / "model.safetensors")
    for name in before:
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(after[name], before[name], atol=1e-6, rtol=0)
    searched = tmp_path / "searched"
    given = {"recipe": still, "settings": settings(finetune_epochs=0), **BARE}
    search(fabric_of(STRIPES_NORM, tmp_path), DATA, out=searched, weights=file, **given)
    state = torch.load(searched / "checkpoint.pt", weights_only=True)["search"]["net"]
    wide = before["image->h#wide/conv.weight"]
    assert any(one.shape == wide.shape and torch.allclose(one, wide, atol=1e-6) for one in state.values())


def test_every_finalist_begins_with_the_weights_of_the_file_and_resumes_to_the_same_bits(first, tmp_path):
    """They learn what their networks learn alone from these weights."""
    file, asked = first / "model.safetensors", settings(finalists=3, finalist_epochs=2, finetune_epochs=1)
    given = {"recipe": recipe(), "settings": asked, "weights": file, "seed": 4, **BARE}
    fabric = fabric_of(STRIPES_NORM, tmp_path)
    search(fabric, DATA, "price=5", out=tmp_path / "whole", **given)
    left = torch.load(tmp_path / "whole" / "checkpoint.pt", weights_only=True)["finalists"]
    assert left["weights"]
    for number, weights in left["weights"].items():
        architecture = Architecture(len(fabric.edges), tuple(left["finalists"][int(number)]["live"]))
        own = compile_fabric(prune(profile_fabric(fabric), architecture), seed=derived_seed(4, "weights"))
        load_known_weights(own, load_file(file))
        NetTraining(own, DATA, recipe(epochs=2), 4, "finalist").run(Silent(), lambda row: None)
        assert all(torch.equal(tensor, weights[name]) for name, tensor in own.state_dict().items())
    for epochs in (2, 4, 6):  # in the search, in a finalist, after one
        out = tmp_path / f"stopped{epochs}"
        with pytest.raises(KeyboardInterrupt):
            search(fabric, DATA, "price=5", out=out, progress=Killed(epochs), **given)
        search(fabric, DATA, "price=5", out=out, mode="resume", **given)
        assert bits(out) == bits(tmp_path / "whole")


def test_finalists_of_another_choice_begin_as_those_of_the_search_did(first, tmp_path):
    file, asked = first / "model.safetensors", settings(finalists=2, finalist_epochs=1, finetune_epochs=0)
    fabric = fabric_of(STRIPES_NORM, tmp_path)
    given = {"recipe": recipe(epochs=2), "settings": asked, "weights": file, **BARE}
    search(fabric, DATA, "price=5", out=tmp_path / "searched", **given)
    again: dict[str, Any] = {"data": DATA, **BARE}

    searched, more = tmp_path / "searched", {"finalists": 3, **again}

    def refusal(run: Path, **given: Any) -> str:
        with pytest.raises(InputError) as caught:
            prune_run(run, "price=5", out=tmp_path / "no", **more, **given)
        assert not (tmp_path / "no").exists()
        return str(caught.value)

    assert "so its finalists do: give --weights FILE, or leave --finalists out" in refusal(searched)
    name = "image->h#wide/conv.weight"
    other = damaged(first, tmp_path, conv_weight=torch.ones_like(load_file(file)[name]))
    assert "is not the file that the search began with" in refusal(searched, weights=other)
    assert "began with fresh weights, so its finalists do: no --weights" in refusal(first, weights=file)
    prune_run(searched, "price=5", out=tmp_path / "quick", **again)
    prune_run(searched, "price=5", out=tmp_path / "more", weights=file, **more)
    assert RunFolder(tmp_path / "more").read_config().weights == RunFolder(searched).read_config().weights


def damaged(first: Path, tmp_path: Path, **change: torch.Tensor | None) -> Path:
    tensors = load_file(first / "model.safetensors")
    name = "image->h#wide/conv.weight"
    for word, value in change.items():
        if value is None:
            del tensors[name.replace("conv.weight", word.replace("_", ".", 1))]
        else:
            tensors[name] = value
    save_file(tensors, tmp_path / "damaged.safetensors")
    return tmp_path / "damaged.safetensors"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"w": torch.zeros(2, 1, 3, 3)},
            "image->h#wide/conv.weight is 2x1x3x3, the fabric has 6x1x3x3: give the fabric the file's sizes, "
            "e.g. by --set",
        ),
        ({"w": torch.full((6, 1, 3, 3), torch.nan)}, "image->h#wide/conv.weight is not finite"),
        (
            {"norm_bias": None},
            "image->h#wide/norm.bias is missing, and other weights of that edge are there: give all of them "
            "or none",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused_with_their_names(change, text, first, tmp_path):
    file = damaged(first, tmp_path, **change)
    with pytest.raises(InputError) as caught:
        read(STRIPES_NORM, tmp_path, file)
    assert str(caught.value).startswith(f"{file}: weights that do not fit\n  - {text}")


def test_a_file_of_other_names_or_of_another_kind_is_refused(first, tmp_path):
    save_file({"layer1.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    torch.save({"image->h#wide/conv.weight": torch.zeros(3)}, tmp_path / "pickled.pt")
    for name, text in (
        ("other.safetensors", "none of its weights is of an edge of this fabric: it has layer1.weight"),
        ("pickled.pt", "cannot be read as safetensors"),
        ("none.safetensors", "cannot be read"),
    ):
        with pytest.raises(InputError, match=text):
            read(STRIPES_NORM, tmp_path, tmp_path / name)


def test_a_warm_start_brings_its_own_weights(first, tmp_path):
    with pytest.raises(InputError, match="--weights and --warm-start exclude each other"):
        search(
            fabric_of(STRIPES_NORM, tmp_path), DATA, out=tmp_path / "x", warm_start=first, weights=first / "x"
        )


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_the_run_records_its_file_and_resumes_with_that_alone(tmp_path):
    fabric, out = written(DIGITS, tmp_path), tmp_path / "run"
    net = compile_fabric(fabric_of(DIGITS, tmp_path), seed=3)
    files = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for number, file in enumerate(files):
        named = {name: tensor + number for name, tensor in named_weights(net).items()}
        save_file({name: tensor for name, tensor in named.items() if "#2" not in name}, file)
    words = ["train", fabric, "--data", "digits", "--epochs", 1, "--threads", 1, "--out", out]
    begun = invoke(*words, "--weights", files[0])
    assert begun.exit_code == 0, begun.output
    assert "weights of 3 of 4 edges with weights are taken; fresh: a->b#2" in begun.stderr
    said = json.loads((out / "config.json").read_text(encoding="utf-8"))
    assert len(said["weights"]) == 64
    alone = invoke("train", "--resume", out)
    assert alone.exit_code == 2
    assert "give --weights FILE" in alone.stderr
    assert invoke("train", "--resume", out, "--weights", files[0]).exit_code == 0
    other = invoke("train", "--resume", out, "--weights", files[1])
    assert other.exit_code == 2
    assert "weights" in other.stderr
    assert invoke(*words, "--resume").exit_code == 2


def test_a_run_without_such_a_file_says_nothing_of_it(first):
    assert "weights" not in json.loads((first / "config.json").read_text(encoding="utf-8"))
