"""Cures that lead where the user meant to go: near misses of every command, as someone
new would make them, each with the right text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
import torch
from click.testing import CliRunner
from image_folders import class_folder
from tiny import DIGITS, STRIPES, fabric_of, stripes, written

from bsngraph.cli.main import cli
from bsngraph.costs import parse_budget, resolve_budgets
from bsngraph.data import Augmentation, load_data
from bsngraph.errors import BsngraphError, FabricError, InputError, nearest
from bsngraph.exporting import ExportOptions
from bsngraph.fabric import fabric_from_networkx, read_fabric, write_fabric
from bsngraph.measure import CostOptions, Hardware, find_hardware
from bsngraph.profile import profile_draft, profile_fabric
from bsngraph.searching import search
from bsngraph.searching.request import Destination, Goal, Method


def refused(*words: Any, code: int = 2) -> str:
    """The last line that a command writes to stderr, which is its error."""
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.stderr.rstrip().rpartition("Error: ")[2]


def problems(path: Path) -> list[str]:
    with pytest.raises(FabricError) as caught:
        read_fabric(path)
    return [str(problem) for problem in caught.value.problems]


def told(call: Callable[[], Any]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    return str(caught.value)


# --- words


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("MACs", ["macs", "params"], "macs"),
        ("fashion_mnist", ["fashion-mnist", "digits"], "fashion-mnist"),
        ("FashionMNIST", ["fashion-mnist", "mnist"], "fashion-mnist"),
        ("CIFAR-10", ["cifar10", "cifar100"], "cifar10"),
        ("Batch Size", ["batch-size", "batch"], "batch-size"),
    ],
)
def test_case_and_hyphens_make_no_other_word(word: str, known: list[str], meant: str) -> None:
    assert nearest(word, known) == f"did you mean {meant!r}?"


# --- budgets


@pytest.mark.parametrize(
    ("budget", "cure"),
    [
        ("MACs=20%", "did you mean 'macs'?"),
        ("macs=0.2", "a share of the whole fabric has a percent sign: macs=20%"),
        ("params~=.5", "a share of the whole fabric has a percent sign: params=50%"),
        ("steps:4=0.25", "a share of the whole fabric has a percent sign: steps:4=25%"),
        ("memory=0.3", "a share of the whole fabric has a percent sign: memory=30%"),
        ("macs=20MMACs", "did you mean 'M'?"),
        ("macs=5b", "did you mean 'G'?"),
        ("macs=20percent", "did you mean '%'?"),
        ("bytes=2Mb", "did you mean 'MB'?"),
        ("memory=2mb", "did you mean 'MB'?"),
        ("bytes=20b", "did you mean 'B'?"),
        ("parameters=50%", "did you mean 'params'?"),
    ],
)
def test_a_budget_that_is_nearly_right(tmp_path: Path, budget: str, cure: str) -> None:
    profile = profile_fabric(fabric_of(DIGITS, tmp_path))
    assert told(lambda: resolve_budgets(profile, [parse_budget(budget)])).endswith(cure)


def test_every_spelling_of_microseconds_is_read() -> None:
    for unit in ("us", "µs", "\N{GREEK SMALL LETTER MU}s"):
        assert parse_budget(f"latency=5{unit}").unit == unit


def test_budgets_are_a_text_or_a_list_of_some(tmp_path: Path) -> None:
    fabric = fabric_of(STRIPES, tmp_path)
    text = told(lambda: search(fabric, stripes(), 4, out=tmp_path / "run"))
    assert text == "budgets=4 must be a text or a list of texts, e.g. ['macs=25%']"


# --- options and commands


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (("search", "f.dot", "--budgets", "macs=20%"), "did you mean '--budget'?"),
        (("search", "f.dot", "--lr", 1), "did you mean '--learning-rate'?"),
        (("search", "f.dot", "--gpu"), "did you mean '--device cuda'?"),
        (("search", "f.dot", "-o", "x"), "did you mean '--out'?"),
        (("search", "f.dot", "--dataset", "digits"), "did you mean '--data'?"),
        (("search", "f.dot", "--force"), "did you mean '--overwrite'?"),
        (("check", "f.dot", "--json"), "did you mean '--format json'?"),
        (("render", "f.dot", "--out", "x.svg"), "did you mean '--output'?"),
        (("search", "f.dot", "--zzzzzz"), "No such option '--zzzzzz'."),
        (("check", "--ops"), "--ops FILE.py; all operations are listed by bsngraph ops"),
        (("check", "--certificate", "x"), "use bsngraph verify RUN"),
        (("check", "--costs"), "use bsngraph explain RUN, or bsngraph costs for the list"),
        (("run", "f.dot"), "did you mean 'search'?"),
        (("eval", "f.dot"), "did you mean 'evaluate'?"),
        (("serach", "f.dot"), "did you mean 'search'?"),
        (("version",), "did you mean '--version'?"),
        (("check", "f.dot", "--device", "gpu"), "a GPU is called cuda): use cpu, or auto"),
    ],
)
def test_an_option_or_a_command_that_there_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[Any, ...], cure: str
) -> None:
    monkeypatch.chdir(tmp_path)
    written(DIGITS, tmp_path, "f.dot")
    assert refused(*words).endswith(cure)


@pytest.mark.parametrize("charset", ["ascii", "cp1252"])
def test_errors_of_the_command_line_itself_fit_any_stream(charset: str) -> None:
    for words in (
        ["s\u00fc\u00df\u4e16"],
        ["check", "f.dot", "--s\u00e4bel\u4e16"],
        ["check", "f.dot", "--format", "\u4e16"],
    ):
        result = CliRunner(charset=charset).invoke(cli, words)
        assert result.exit_code == 2
        assert isinstance(result.exception, SystemExit)


def test_a_file_in_place_of_a_command(tmp_path: Path) -> None:
    path = written(DIGITS, tmp_path)
    assert refused(path).endswith(f"a command comes first, e.g. bsngraph check {path}")


# --- paths of graph files


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("digits", "did you mean 'digits.dot'?"),
        ("digit.dot", "did you mean 'digits.dot'?"),
        (".", "(Is a directory): name a file in it: digits.dot"),
        ("empty", "(Is a directory): name a graph file"),
        ("unlike.dot", "cannot be read (No such file or directory)"),
    ],
)
def test_a_graph_file_that_is_not_there(tmp_path: Path, name: str, cure: str) -> None:
    written(DIGITS, tmp_path, "digits.dot")
    (tmp_path / "result.json").touch()
    (tmp_path / "empty").mkdir()
    for command in ("check", "train", "search"):
        more = () if command == "check" else ("--data", "digits", "--out", tmp_path / "run")
        assert refused(command, tmp_path / name, *more).endswith(cure)


@pytest.mark.parametrize("suffix", [".dot", ".graphml", ".json"])
@pytest.mark.parametrize(
    ("held", "form"), [(".dot", "DOT"), (".graphml", "GraphML"), (".json", "node-link JSON")]
)
def test_a_file_of_another_format_than_its_suffix_says(
    tmp_path: Path, suffix: str, held: str, form: str
) -> None:
    write_fabric(fabric_of(DIGITS, tmp_path), tmp_path / f"held{held}")
    path = tmp_path / f"named{suffix}"
    path.write_bytes((tmp_path / f"held{held}").read_bytes())
    if suffix == held:
        read_fabric(path)
        return
    [problem] = problems(path)
    assert problem.startswith(f"the file holds {form}, and its suffix says ")
    assert f"the whole file: name it {held}" in problem


# --- names of data


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with data of several kinds."""
    monkeypatch.chdir(tmp_path)
    class_folder(tmp_path / "photos", {"cat": 3, "dog": 3})
    (tmp_path / "bin").mkdir()
    for name in ("bin/data_batch_1.bin", "table.csv", "arrays.npz", "mine.py", "graph.dot"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("photos", "it is a folder here: did you mean folder:photos?"),
        ("./photos", "it is a folder here: did you mean folder:./photos?"),
        ("photos,size=8", "it is a folder here: did you mean folder:photos,size=8?"),
        ("bin", "it is a folder here: did you mean cifar10:bin?"),
        ("table.csv", "it is a file here: did you mean csv:table.csv?"),
        ("arrays.npz", "it is a file here: did you mean npz:arrays.npz?"),
        ("mine.py", "it is code: did you mean --data-code mine.py:FUNCTION?"),
        ("MNIST", "did you mean 'mnist'?"),
        ("Folder:photos", "did you mean 'folder'?"),
    ],
)
def test_data_named_by_a_path_or_nearly(here: Path, name: str, cure: str) -> None:
    assert told(lambda: load_data(name)).endswith(cure)
    assert refused("data", name).endswith(cure)


def test_a_part_of_the_classes_is_told_where_they_are_counted_and_what_takes_them(tmp_path: Path) -> None:
    graph = written(DIGITS.replace('"$classes"', "3").replace(", classes=10", ""), tmp_path)
    class_folder(tmp_path / "photos", {"cat": 4, "dog": 4})
    name = f"folder:{tmp_path / 'photos'},size=8,channels=1"
    text = refused("train", graph, "--data", name, "--out", tmp_path / "run")
    assert text.endswith(
        f"gives 3, but {name} has 2 classes: use --set classes=2, if the fabric has that parameter, "
        "or change its head: write classes=2 on b->scores#0; evaluate and predict "
        "take data with a part of a network's classes as they are"
    )


def test_a_wrong_budget_is_told_before_data_are_read(tmp_path: Path) -> None:
    words = ("--data", "folder:/nowhere", "--budget", "macs=1m", "--out", tmp_path / "run")
    assert refused("search", written(DIGITS, tmp_path), *words).endswith("did you mean 'M'?")


def test_files_of_no_kind_and_of_none(here: Path) -> None:
    assert "it is a file here, of no kind that is read" in told(lambda: load_data("graph.dot"))
    assert "no file or folder of that name is here either" in told(lambda: load_data("some/where"))


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_class_that_is_called_like_a_split(tmp_path: Path, split: str) -> None:
    class_folder(tmp_path, {"cat": 4, "dog": 4, split: 4})
    text = told(lambda: load_data(f"folder:{tmp_path}"))
    assert text.endswith(
        "If it is a class, call its folder something else: train, val and test are names of splits"
    )
    assert f"{split}/ but no train/" in text or f"is taken for the {split} split by its name" in text


def test_images_right_inside_a_split_are_told_from_classes(tmp_path: Path) -> None:
    class_folder(tmp_path / "train", {"cat": 4, "dog": 4})
    class_folder(tmp_path, {"test": 4})
    text = told(lambda: load_data(f"folder:{tmp_path}"))
    assert text.startswith(f"{tmp_path}/test: is taken for the test split by its name, and holds no class")


# --- graph files


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "classes=10]",
            'classes=10, input="1x8x8"]',
            "parameter 'input' is never used @ graph: input is a word of nodes: write input=\"1x8x8\" on the "
            "source node",
        ),
        (
            "classes=10]",
            "classes=10, fixed=true]",
            "parameter 'fixed' is never used @ graph: fixed is a word of edges: write fixed=true on an edge, "
            "or `edge [fixed=true]`",
        ),
        (
            "classes=10]",
            "classes=10, stride=2]",
            "parameter 'stride' is never used @ graph: use it as \"$stride\", or remove it",
        ),
        (
            'input="1x8x8"',
            'input="1x8x8", source=true',
            "a node has no attribute 'source' @ node image, line 4: source is a word of the graph: write "
            "`graph [source=true]`",
        ),
        (
            "[op=identity,",
            "[op=identity, merge=mean,",
            "identity takes no argument 'merge' @ edge a->b#1, line 7: merge is a word of nodes: write "
            "merge=mean on a node",
        ),
        (
            "  edge  [op=conv,",
            "  node [op=conv];\n  edge  [op=conv,",
            "default 'op' is something that no node takes @ node [...], line 3: op is a word of edges: write "
            "op=... on an edge, or `edge [op=...]`",
        ),
        (
            "op=identity",
            "op=my_conv",
            "unknown operation 'my_conv' @ edge a->b#1, line 7: did you mean 'mbconv'?; one of your own is "
            "loaded by --ops FILE.py, in Python by load_operations",
        ),
        (
            '"$channels"',
            "$channels",
            "'$channels' must stand in quotes @ line 3, column 28: write channels=\"$channels\"",
        ),
        ('"$channels"', "2*$channels", "'2*$channels' must stand in quotes @ line 3, column 29: write "),
        (
            "op=identity",
            "op=nn.ReLU",
            "'nn.ReLU' must stand in quotes @ line 7, column 16: write op=\"nn.ReLU\"",
        ),
    ],
)
def test_a_word_in_the_wrong_place(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in DIGITS
    found = problems(written(DIGITS.replace(old, new), tmp_path))
    assert any(one.startswith(problem) for one in found), found


def bare_graph() -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    graph.add_node("x")
    graph.add_edge("x", "y")
    return graph


@pytest.mark.parametrize(
    ("form", "source", "default"),
    [
        ("graphml", '<data key="source">NODE</data>', '<key id="op" for="edge" attr.name="op"><default>'),
        ("json", '`"source": "NODE"` in "graph"', '`"edge": {"op": "..."}` in "graph"'),
        ("python", '`graph.graph["source"] = "NODE"`', '`graph.graph["edge"] = {"op": "..."}`'),
    ],
)
def test_cures_are_in_the_format_of_the_file(tmp_path: Path, form: str, source: str, default: str) -> None:
    graph, path = bare_graph(), tmp_path / f"graph.{form}"
    if form == "python":
        with pytest.raises(FabricError) as caught:
            fabric_from_networkx(graph)
        found = [str(problem) for problem in caught.value.problems]
    else:
        if form == "graphml":
            nx.write_graphml(graph, path)
        else:
            path.write_text(json.dumps(nx.node_link_data(graph, edges="edges")))
        found = problems(path)
    assert source in found[0]
    assert any(default in problem for problem in found)
    assert not any("graph [" in problem or "edge [" in problem for problem in found)


def test_what_the_cures_of_graphml_say_is_read(tmp_path: Path) -> None:
    (tmp_path / "graph.graphml").write_text("""\
<graphml><key id="source" for="graph" attr.name="source"/><key id="target" for="graph" attr.name="target"/>
<key id="input" for="node" attr.name="input"/>
<key id="op" for="edge" attr.name="op"><default>identity</default></key>
<graph edgedefault="directed"><data key="source">x</data><data key="target">y</data>
<node id="x"><data key="input">1x8x8</data></node><node id="y"/><edge source="x" target="y"/></graph>
</graphml>
""")
    assert read_fabric(tmp_path / "graph.graphml").edges[0].op == "identity"


@pytest.mark.parametrize(
    ("edges", "cure"),
    [
        (
            "x -> a; x -> a [stride=2];",
            "stride=2 brings the 8x8 of x->a#0 to 4x4; op=upsample or op=upsample_conv with height=8, "
            "width=8 enlarges that of x->a#1",
        ),
        ("x -> a [stride=2]; x -> a [stride=4];", "stride=4 brings the 4x4 of x->a#0 to 2x2; op=upsample"),
        (
            "x -> a [op=identity]; x -> a [stride=2, channels=1];",
            "an operation with stride=2 in place of identity",
        ),
        ("x -> a; x -> a [channels=2];", "channels=4 on x->a#1, or set merge=concat on the node"),
        ("x -> a; x -> a [op=identity];", "op=projection with channels=4 in place of identity on x->a#1"),
        ("x -> a; x -> a [op=flatten];", "an image and a vector do not meet: op=global_pool or op=flatten"),
    ],
)
def test_shapes_that_do_not_fit_name_the_line_and_what_resizes(tmp_path: Path, edges: str, cure: str) -> None:
    text = f"""digraph {{ graph [source=x, target=y]; x [input="1x8x8"]; edge [op=conv, channels=4];
      a; {edges}
      a -> y [op=classifier, classes=2]; }}"""
    from bsngraph.fabric import draft_file

    with pytest.raises(FabricError) as caught:
        profile_draft(draft_file(written(text, tmp_path)))
    [problem] = caught.value.problems
    assert problem.where == "node a, line 2"
    assert cure in problem.cure


# --- nouns that a user builds


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: Goal(data=None), "data=None must be a text or a Dataset"),
        (lambda: Goal(data="digits", costs={}), "costs={} must be a CostOptions"),
        (lambda: Method(seed="0"), "seed='0' must be a whole number"),
        (lambda: Method(seed=0.5, recipe={}), "recipe={} must be a Recipe; seed=0.5 must be a whole number"),
        (lambda: Method(oracle="yes"), "oracle='yes' must be True or False"),
        (lambda: Destination(Path("x"), "resum"), "mode='resum' must be one of new, resume, overwrite"),
        (lambda: Hardware("cpu", 1), "device='cpu' must be a device"),
        (lambda: Hardware(torch.device("cpu"), 0), "threads=0 must be between 1 and 4096"),
        (lambda: find_hardware("cpu", "4"), "threads='4' must be a whole number"),
        (lambda: CostOptions(latencies=3), "latencies=3 must be a LatencyTable or a"),
        (lambda: ExportOptions(logits="yes"), "logits='yes' must be True or False"),
        (lambda: Augmentation(flip="no"), "flip='no' must be True or False"),
        (lambda: Augmentation(shift="3"), "shift='3' must be a whole number"),
        (
            lambda: profile_fabric("small.dot"),
            "'small.dot' is no Fabric: read_fabric(PATH) reads one from a file",
        ),
    ],
)
def test_a_noun_refuses_values_of_other_types(build: Callable[[], Any], text: str) -> None:
    assert told(build).startswith(text)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("name", 3, "is 3 @ name: give a text"),
        ("name", "", "is empty @ name"),
        ("class_names", ["rows", "columns"], "@ class_names: give a tuple of texts"),
        ("mean", 0.0, "is 0.0 @ mean: give a tuple of numbers"),
        ("train", None, "is None @ train: give a Split"),
        ("augmentation", "flip", "is 'flip' @ augmentation: give an Augmentation"),
        ("ignore_label", "x", "is 'x' @ ignore_label: give a whole number or None"),
        ("feature_names", ("a",), "names 1 features, but an example is 1x4x4 @ feature_names"),
        ("task", "clasification", "@ task: did you mean 'classification'?"),
        ("skipped", "x", "is 'x' @ skipped: give a tuple of texts"),
    ],
)
def test_a_dataset_refuses_what_it_cannot_hold(field: str, value: Any, problem: str) -> None:
    assert problem in told(lambda: replace(stripes(), **{field: value}))


def test_a_wrong_type_leaves_no_run_behind(tmp_path: Path) -> None:
    fabric = fabric_of(STRIPES, tmp_path)
    for more in ({"seed": 0.5}, {"settings": {"x": 1}}, {"mode": "resum"}, {"recipe": {"epochs": 1}}):
        with pytest.raises(BsngraphError):
            search(fabric, stripes(), ["price=4"], out=tmp_path / "run", **more)
    assert not (tmp_path / "run").exists()


# --- what there is to decide

DECIDING = """\
digraph deciding {
  graph [source=x, target=y]; x [input="1x8x8"]; edge [op=conv, channels=4];
  x -> a [fixed=true];
  a -> b [choice=pool]; a -> b [choice=pool, kernel=1];
  a -> b [op=identity, choice=pool, gate=skips]; b -> c [op=identity, choice=pool, gate=skips];
  b -> c [probability=0.5]; b -> c [kernel=1];
  c -> y [op=classifier, classes=2, fixed=true];
}
"""
LINES = (
    "choice pool, one decision of three: a->b#0, a->b#1 or gate skips",
    "gate skips, kept or dropped together: a->b#2, b->c#0",
)


def test_check_lists_choices_gates_and_probabilities(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["check", str(written(DECIDING, tmp_path))], env={"COLUMNS": "120"})
    lines = result.stdout.splitlines()
    assert all(line in lines for line in LINES)
    for edge, decides in (
        ("a->b#0", "choice pool"),
        ("a->b#2", "gate skips, choice pool"),
        ("b->c#1", "probability 0.5"),
        ("x->a#0", "fixed"),
    ):
        assert any(edge in line and decides in line for line in lines), edge


def test_check_json_lists_every_decision_with_its_options(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["check", str(written(DECIDING, tmp_path)), "--format", "json"])
    facts = json.loads(result.stdout)
    assert facts["decisions"] == [
        {
            "choice": "pool",
            "options": [
                {"gate": None, "edges": ["a->b#0"]},
                {"gate": None, "edges": ["a->b#1"]},
                {"gate": "skips", "edges": ["a->b#2", "b->c#0"]},
            ],
        },
        {"choice": None, "options": [{"gate": None, "edges": ["b->c#1"]}]},
        {"choice": None, "options": [{"gate": None, "edges": ["b->c#2"]}]},
    ]
    told = [[edge[word] for word in ("probability", "gate", "choice")] for edge in facts["edges"]]
    assert told[1:6:2] == [[None, None, "pool"], [None, "skips", "pool"], [0.5, None, None]]


def test_render_draws_choices_gates_and_probabilities(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        cli, ["render", str(written(DECIDING, tmp_path)), "-o", str(tmp_path / "picture.dot")]
    )
    assert result.exit_code == 0, result.output
    drawn = (tmp_path / "picture.dot").read_text(encoding="utf-8")
    assert all(line.replace(">", "&gt;") in drawn for line in LINES)
    for label in ("conv 3×3 · choice pool", "skip · gate skips, choice pool", "conv 3×3 · probability 0.5"):
        assert f'label=" {label}"' in drawn
    assert "b->c#1\\nconv channels=4\\nprobability 0.5" in drawn


def test_many_choices_are_counted_in_a_picture(tmp_path: Path) -> None:
    pairs = "".join(f"n{i} -> n{i + 1} [choice=c{i}]; n{i} -> n{i + 1} [choice=c{i}];" for i in range(12))
    text = f'digraph {{ graph [source=n0, target=n12]; n0 [input="4"]; edge [op=identity]; {pairs} }}'
    path = written(text, tmp_path)
    CliRunner().invoke(cli, ["render", str(path), "-o", str(tmp_path / "picture.dot")])
    drawn = (tmp_path / "picture.dot").read_text(encoding="utf-8")
    assert drawn.count("one decision of two") == 8
    assert "… and 4 more choices and gates" in drawn
