"""`bsngraph report`: one page that says what the runs' files say, loads nothing, and
takes every text of a file as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from tiny import STRIPES_NORM, fabric_of, no_pictures, recipe, settings, stripes

import bsngraph
from bsngraph.cli.main import cli
from bsngraph.cli.setting_options import set_by_hand
from bsngraph.errors import InputError
from bsngraph.reporting.facts.metric_words import metric_title, metric_value
from bsngraph.reporting.facts.run_facts import RunFacts, gather
from bsngraph.reporting.page_html import page_html
from bsngraph.reporting.sections.made.remake import remake_commands
from bsngraph.reporting.sections.run_page import RunPage, page_of
from bsngraph.reporting.sections.scales import logarithmic_over, scale_over
from bsngraph.reporting.sections.spent.edge_costs import spent_costs
from bsngraph.reporting.sections.spent.schedule_section import schedules_of
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.answers import (
    AmountAnswers,
    AmountPoint,
    ClassAnswers,
    ClassScore,
    ConfusedPair,
    DecisionAnswers,
    DecisionScore,
    OutputAnswers,
    PixelAnswers,
    PixelSample,
    ResidualQuantile,
)
from bsngraph.runs.rows.config import AskedBudget, PruneConfig, RunConfig, SearchConfig
from bsngraph.runs.rows.front import Front, FrontRow, front_text
from bsngraph.runs.rows.latencies import Calibration, Conditions, LatenciesRow
from bsngraph.settings import Recipe, SearchSettings, resolve_settings
from bsngraph.tasks import TASKS

NODE = "<script>alert(1)</script>\"'&[/x]"  # a right-to-left mark cannot name a node
HOSTILE = f"{NODE}\u202e"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n0123456789").decode()
VOID = {"meta", "link", "img", "br", "input", "hr"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""
    inside: list[Element] = field(default_factory=list)

    def all(self) -> Iterator[Element]:
        yield self
        for one in self.inside:
            yield from one.all()

    def find(self, tag: str) -> list[Element]:
        return [one for one in self.all() if one.tag == tag]

    @property
    def words(self) -> str:
        """All text inside, in one line."""
        parts = [one.text for one in self.all() if one.tag not in ("script", "style")]
        return re.sub(r"\s+", " ", " ".join(parts)).strip()


class Parser(HTMLParser):
    """HTML as a tree; the text of an element stands before its children's."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {})
        self.stack = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.stack[-1].inside.append(element)
        if tag not in VOID:
            self.stack.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.stack[-1].text += data


def parsed(html: str) -> Element:
    parser = Parser()
    parser.feed(html)
    parser.close()
    assert parser.stack == [parser.root]
    return parser.root


# --- runs


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A search of the stripes with three trainings and two budgets; not to be
    changed.
    """
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        bsngraph.search(
            fabric_of(STRIPES_NORM, folder),
            stripes(),
            ["price=5", "steps:2=3"],
            out=folder / "first",
            recipe=recipe(epochs=4),
            settings=settings(finalists=3, finalist_epochs=1, finetune_epochs=1),
            device="cpu",
            threads=1,
        )
    return folder / "first"


@pytest.fixture
def run(finished, tmp_path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def unpictured(monkeypatch) -> None:
    """Graphviz takes most of a page's time."""
    monkeypatch.setattr(
        "bsngraph.reporting.sections.run_page.architecture_picture",
        lambda run, network, *, name: Markup('<figure id="{}"></figure>').format(name),
    )


@pytest.fixture(scope="module")
def page(finished, tmp_path_factory) -> str:
    """The page of the search, with its picture."""
    out = tmp_path_factory.mktemp("page") / "report.html"
    assert bsngraph.report(finished, out) == out
    return out.read_text(encoding="utf-8")


def facts_of(folder: Path, **more: Any) -> RunFacts:
    return replace(gather(folder, "run-1-"), **more)


def told(facts: RunFacts) -> Element:
    return parsed(page_html("run", [page_of(facts)], None))


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["report", *map(str, arguments)])


def edit(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    file.write_text(text, encoding="utf-8")


# --- the page as a document


def check_document(html: str) -> Element:
    """What holds of every page: nothing runs or loads but what its policy names, ids
    are unique, links lead somewhere, headings skip no level.
    """
    document = parsed(html)
    policy = next(
        meta.attributes["content"]
        for meta in document.find("meta")
        if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["img-src"] == "data:"
    assert directives["base-uri"] == directives["form-action"] == "'none'"
    scripts = [one for one in document.find("script") if one.attributes.get("type") != "application/json"]
    for kind, elements in {"script-src": scripts, "style-src": document.find("style")}.items():
        hashes = [
            f"'sha256-{base64.b64encode(hashlib.sha256(one.text.encode()).digest()).decode()}'"
            for one in elements
        ]
        assert directives[kind].split() == hashes
    ids = [one.attributes["id"] for one in document.all() if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    for one in document.all():
        assert not any(name.startswith("on") or name == "style" for name in one.attributes), one
        assert one.tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name in ("href", "xlink:href", "src"):
            address = one.attributes.get(name)
            assert address is None or address[:1] == "#" or address.startswith("data:image/png;base64,")
            assert address is None or address[:1] != "#" or address[1:] in ids, address
        for name in ("aria-labelledby", "data-curves"):
            assert one.attributes.get(name, ids[0]) in ids
    check_headings(document)
    return document


def check_headings(document: Element) -> None:
    levels = [int(one.tag[1]) for one in document.all() if re.fullmatch("h[1-6]", one.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels


def test_page_is_one_document_that_loads_nothing(page) -> None:
    document = check_document(page)
    assert [len(document.find(tag)) for tag in ("header", "main", "footer", "h1")] == [1, 1, 1, 1]
    assert document.find("html")[0].attributes["lang"] == "en"
    assert all(one.text for one in document.find("title"))
    assert len(page.encode()) < 300_000


def test_page_of_a_search_has_every_section(page) -> None:
    document = parsed(page)
    ids = {one.attributes.get("id") for one in document.find("section")}
    sections = ("costs", "spending", "schedules", "curves", "trainings", "answers", "made", "architecture")
    assert ids >= {f"run-1-{name}" for name in sections}
    assert document.find("figure")
    for words in ("By resolution", "core 1", "delivered", "fingerprint of the data", "bsngraph verify"):
        assert words in document.words


def test_data_islands_are_json(page) -> None:
    islands = [
        json.loads(one.text)
        for one in parsed(page).find("script")
        if one.attributes.get("type") == "application/json"
    ]
    curves = next(island for island in islands if "panels" in island)
    assert [panel["title"] for panel in curves["panels"]][:3] == ["loss", "accuracy", "price"]
    assert all(
        len(series["values"]) == len(curves["epochs"])
        for panel in curves["panels"]
        for series in panel["series"]
    )


def test_same_runs_give_the_same_page(finished, unpictured, tmp_path) -> None:
    pages = [
        bsngraph.report([finished, finished], tmp_path / name).read_bytes() for name in ("a.html", "b.html")
    ]
    assert pages[0] == pages[1]


# --- the verdict


def test_verdict_is_one_line_of_metric_budgets_and_certificate(finished, unpictured) -> None:
    facts = facts_of(finished)
    verdict = page_of(facts).verdict
    assert facts.result is not None
    accuracy = metric_value("accuracy", float(str(facts.result.metrics.test["accuracy"])))
    price = {budget.cost: budget.value for budget in facts.result.budgets}["price"]
    assert verdict.line.startswith(f"Test accuracy {accuracy}, inside both budgets (price: {price:g} ≤ 5; ")
    assert verdict.line.endswith("files are unchanged.")
    assert {statement.mark for statement in verdict.statements} == {"good"}


def test_file_that_was_changed_undoes_the_certificate(run, unpictured) -> None:
    edit(run / "metrics.jsonl", ('"epoch": 1', '"epoch":  1'))
    verdict = page_of(facts_of(run)).verdict
    assert "does NOT hold: changed since are metrics.jsonl" in verdict.line
    assert verdict.statements[-1].mark == "bad"


def test_budget_is_judged_by_its_numbers_and_not_by_the_word_of_the_file(run, unpictured) -> None:
    result = json.loads((run / "result.json").read_text())
    result["budgets"][0]["value"] = result["costs"]["price"]["value"] = 7.0
    (run / "result.json").write_text(json.dumps(result))
    page = page_of(facts_of(run))
    assert "NOT inside the budget on price (price: 7 > 5;" in page.verdict.line
    assert page.verdict.statements[0].text == "price: 7 > 5, NOT met"
    assert page.costs[0].verdict == "NOT met"


def test_run_without_a_certificate_says_so(run, unpictured) -> None:
    (run / "certificate.json").unlink()
    assert page_of(facts_of(run)).verdict.line.endswith("; no certificate.")


def test_certificate_of_a_stranger_opens_nothing_outside_the_run(run, tmp_path, unpictured) -> None:
    (tmp_path / "secret").write_text("x")
    certificate = json.loads((run / "certificate.json").read_text())
    certificate["files"]["../secret"] = hashlib.sha256(b"x").hexdigest()
    (run / "certificate.json").write_text(json.dumps(certificate))
    assert "../secret" in facts_of(run).changed


# --- kinds of runs


def test_unfinished_run_has_a_page_that_says_so(run, unpictured) -> None:
    for name in ("result.json", "certificate.json", "architecture.dot", "answers.json"):
        (run / name).unlink(missing_ok=True)
    document = told(facts_of(run))
    assert "This run is unfinished: it has" in document.words
    ids = {one.attributes.get("id") for one in document.find("section")}
    assert "run-1-curves" in ids
    assert not ids & {"run-1-costs", "run-1-answers", "run-1-spending"}


def test_run_before_its_first_epoch_has_a_page(run, unpictured) -> None:
    for file in run.iterdir():
        if file.name != "config.json":
            file.unlink()
    assert "it has 0 epochs so far, and has delivered no network yet" in told(facts_of(run)).words


def test_run_that_was_trained_alone_has_a_page(tmp_path, monkeypatch, unpictured) -> None:
    no_pictures(monkeypatch)
    fabric = fabric_of(STRIPES_NORM, tmp_path)
    bsngraph.train(
        fabric, stripes(), out=tmp_path / "alone", recipe=recipe(epochs=1), device="cpu", threads=1
    )
    document = check_document(
        page_html("alone", [page_of(facts_of(tmp_path / "alone"))], None),
    )
    assert "bsngraph train" in document.words
    assert ", without a budget; certified on" in document.words


def test_run_without_answers_says_so(run, unpictured) -> None:
    assert "no record of what its network answered" in told(facts_of(run, answers=None)).words


def scores(count: int) -> tuple[ClassScore, ...]:
    return tuple(
        ClassScore(name=f"c{number}", labelled=5, predicted=5, right=4, precision=0.8, recall=0.8, iou=0.6)
        for number in range(count)
    )


def ring(count: int) -> tuple[ConfusedPair, ...]:
    """Each class is taken for the next one once."""
    return tuple(
        ConfusedPair(true=number, predicted=(number + 1) % count, count=1) for number in range(count)
    )


def test_confusion_matrix_is_drawn_of_few_classes_and_listed_of_many(run, unpictured) -> None:
    few = ClassAnswers(examples=15, classes=scores(3), pairs=ring(3), unlisted=0)
    document = told(facts_of(run, answers=few))
    rows = next(one for one in document.find("table") if one.attributes.get("class") == "matrix").find("tr")
    assert [[cell.text for cell in row.find("td")] for row in rows[1:]] == [
        ["4", "1", ""],
        ["", "4", "1"],
        ["1", "", "4"],
    ]
    many = ClassAnswers(examples=500, classes=scores(100), pairs=ring(100), unlisted=0)
    document = told(facts_of(run, answers=many))
    assert not [one for one in document.find("table") if one.attributes.get("class") == "matrix"]
    assert "60 better ones are left out" in document.words


def test_samples_of_pixels_are_pictures_inside_the_page(run, unpictured) -> None:
    sample = PixelSample(example=3, image=PNG, truth=PNG, predicted=PNG)
    answers = PixelAnswers(examples=2, classes=scores(2), pairs=ring(2), unlisted=0, samples=(sample,))
    document = told(facts_of(run, answers=answers))
    images = document.find("img")
    assert [one.attributes["src"] for one in images] == [f"data:image/png;base64,{PNG}"] * 3
    assert [one.attributes["alt"] for one in images] == ["image", "truth", "predicted"]
    assert "60.0 %" in document.words


def test_amounts_and_decisions_are_shown(run, unpictured) -> None:
    output = OutputAnswers(
        name="years",
        rmse=2.0,
        mae=1.5,
        residuals=(ResidualQuantile(share=0.5, residual=-0.25),),
        points=(AmountPoint(true=1.0, predicted=2.0), AmountPoint(true=3.0, predicted=3.0)),
    )
    document = told(facts_of(run, answers=AmountAnswers(examples=2, outputs=(output,))))
    assert "RMSE 2, MAE 1.5" in document.words
    assert len([one for one in document.find("circle") if one.attributes["class"] == "dot"]) == 2
    score = DecisionScore(name="sea", labelled=1, predicted=1, right=1, precision=1.0, recall=1.0, f1=1.0)
    decisions = DecisionAnswers(examples=4, wholly_right=3, classes=(score,))
    assert "3 without a wrong decision" in told(facts_of(run, answers=decisions)).words


def test_each_point_of_a_front_opens_its_architecture(run, unpictured) -> None:
    (run / "front").mkdir()
    shutil.copy(run / "architecture.dot", run / "front" / "1.dot")
    amounts = {"accuracy": 0.9, "loss": 0.2}
    network = FrontRow(
        limit=4.0,
        architecture="front/1.dot",
        weights="fine-tuned",
        costs={"price": 4.0},
        validation=amounts,
        test=amounts,
    )
    front = Front(cost="price", unit="", metric="accuracy", rows=(FrontRow(limit=0.5), network))
    (run / "front.csv").write_text(front_text(front), encoding="utf-8")
    html = page_html("run", [page_of(facts_of(run))], None)
    document = check_document(html)
    assert "No network is inside 0.5" in document.words
    opened = next(one for one in document.find("details") if one.attributes.get("id") == "run-1-front-1")
    assert opened.find("figure")[0].attributes["id"] == "run-1-front-1-picture"
    assert any(one.attributes.get("href") == "#run-1-front-1" for one in document.find("a"))


# --- what stands in files is text


def hostile(run: Path) -> None:
    """Give a run names that would be markup, scripts, or turn the direction of
    writing.
    """
    name = NODE.replace('"', '\\"')
    for file in ("fabric.dot", "architecture.dot", "probabilities.dot"):
        edit(run / file, ('"h"', f'"{name}"'))
    edit(run / "trainings.csv", ("random", '"=<script>alert(2)</script>"'))
    text = (run / "config.json").read_text(encoding="utf-8")
    config = json.loads(text)
    config["data"]["name"] = config["fabric"] = HOSTILE
    config["data"]["classes"] = ["</script><script>alert(3)</script>", HOSTILE]
    config["versions"]["torch"] = HOSTILE
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for file in ("config.json", "result.json", "metrics.jsonl", "certificate.json"):
        edit_json_lines(run / file)


def edit_json_lines(file: Path) -> None:
    """Name the cost price as a script."""
    text = file.read_text(encoding="utf-8").replace('"price"', json.dumps("</script><u>price"))
    file.write_text(text, encoding="utf-8")


def test_hostile_names_come_out_as_text(run, tmp_path) -> None:
    hostile(run)
    result = call(run, "-o", tmp_path / "page.html")
    assert result.exit_code == 0, result.output
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    document = check_document(html)
    assert not document.find("u")
    assert "\u202e" not in html
    assert "<script>alert(1)</script>\"'&[/x]" in document.words
    assert "=<script>alert(2)</script>" in document.words
    assert "</script><u>price" in document.words


def test_hostile_names_are_text_beside_each_other(run, finished, unpictured, tmp_path) -> None:
    hostile(run)
    named = run.rename(run.with_name("<i>run"))
    page = bsngraph.report([finished, named], tmp_path / "page.html").read_text(encoding="utf-8")
    document = check_document(page)
    assert not document.find("i")
    assert "<i>run" in document.words


# --- several runs


def test_several_runs_stand_side_by_side(run, finished, unpictured, tmp_path) -> None:
    fabric = bsngraph.read_fabric(run / "architecture.dot")
    lines = (run / "architecture.dot").read_text(encoding="utf-8")
    other = lines.replace('kernel="3"', 'kernel="5"')
    (run / "architecture.dot").write_text(other, encoding="utf-8")
    page = bsngraph.report([finished, run], tmp_path / "page.html").read_text(encoding="utf-8")
    document = check_document(page)
    assert [one.attributes["id"] for one in document.find("article")] == ["run-1", "run-2"]
    assert f"{len(fabric.edges)} edges are in every network" in document.words
    if other != lines:
        assert "kernel 3 → 5" in document.words


def test_runs_on_other_data_or_unfinished_are_doubted(run, finished, unpictured, tmp_path) -> None:
    config = json.loads((run / "config.json").read_text())
    config["data"]["fingerprint"] = "0" * 16
    (run / "config.json").write_text(json.dumps(config))
    (run / "result.json").unlink()
    page = bsngraph.report([finished, run], tmp_path / "page.html").read_text(encoding="utf-8")
    words = check_document(page).words
    assert "The runs saw different data" in words
    assert "Some runs are unfinished" in words


def test_unfinished_run_counts_for_no_edge(run, finished, unpictured, tmp_path) -> None:
    (run / "result.json").unlink()
    (run / "architecture.dot").unlink()
    page = bsngraph.report([finished, run], tmp_path / "page.html").read_text(encoding="utf-8")
    assert "What the networks do not share" not in parsed(page).words


# --- errors


def test_what_is_no_run_is_an_error(tmp_path) -> None:
    for folder, said in ((tmp_path / "nowhere", "is no run folder"), (tmp_path, "config.json")):
        result = call(folder, "-o", tmp_path / "page.html")
        assert result.exit_code == 2, result.output
        assert said in result.output
    with pytest.raises(InputError, match="name their folders"):
        bsngraph.report([], tmp_path / "page.html")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("result.json", "{"),
        ("answers.json", "{}"),
        ("trainings.csv", "number,loss\n1,2\n"),
        ("metrics.jsonl", "[]\n"),
        ("fabric.dot", "digraph {"),
        ("splits.json", "[]"),
        ("front.csv", "a,b\n"),
    ],
)
def test_damaged_file_is_an_error_and_no_page(run, tmp_path, name, content) -> None:
    (run / name).write_text(content, encoding="utf-8")
    result = call(run, "-o", tmp_path / "page.html")
    assert result.exit_code == 2, result.output
    assert name in result.output
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("cell", ["nan", "1e999", "much", ""])
def test_training_without_a_loss_is_an_error(run, cell) -> None:
    lines = (run / "trainings.csv").read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",").index("loss")
    cells = lines[1].split(",")
    cells[column] = cell
    (run / "trainings.csv").write_text("\n".join([lines[0], ",".join(cells)]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"trainings\.csv: cannot be read as trainings"):
        gather(run, "run-1-")


def test_network_of_another_fabric_is_an_error(run, tmp_path) -> None:
    edit(run / "architecture.dot", ('"h"', '"other"'))
    result = call(run, "-o", tmp_path / "page.html")
    assert result.exit_code == 2
    assert "'image->other#" in result.output


def test_page_is_replaced_only_when_asked(finished, unpictured, tmp_path) -> None:
    out = tmp_path / "page.html"
    out.write_text("mine")
    refused = call(finished, "-o", out)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.output
    assert out.read_text() == "mine"
    done = call(finished, "-o", out, "--overwrite")
    assert (done.exit_code, done.output) == (0, f"{out}\n")
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("name", ["page.pdf", "page", "missing/page.html"])
def test_place_where_no_page_can_be_is_an_error(finished, unpictured, tmp_path, name) -> None:
    result = call(finished, "-o", tmp_path / name)
    assert result.exit_code == 2, result.output


def test_page_without_graphviz_says_so(finished, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    html = bsngraph.report(finished, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "There is no picture:" in check_document(html).words


def test_report_needs_no_torch(finished, tmp_path) -> None:
    code = (
        "import sys; from bsngraph.cli.main import cli; "
        f"cli(['report', {str(finished)!r}, '-o', {str(tmp_path / 'page.html')!r}], standalone_mode=False); "
        "sys.exit(2 * ('torch' in sys.modules) + 4 * ('matplotlib' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- where budgets went


def asked(facts: RunFacts, *names: str) -> RunFacts:
    """The same run with budgets on other costs."""
    budgets = tuple(AskedBudget(text=f"{name}=9ms", cost=name, relation="<=", limit=9.0) for name in names)
    return replace(facts, config=config_of(facts.run.path, budgets=budgets))


def test_edges_spend_what_the_search_counted(finished) -> None:
    facts = facts_of(finished)
    assert facts.result is not None
    found, unknown = spent_costs(facts)
    assert not unknown
    assert [one.name for one in found] == ["price", "steps:2", "macs", "params"]
    for one in found:
        assert one.value == facts.result.costs[one.name].value
        assert not one.adds_up or one.per_edge.sum() == one.value


def test_budget_whose_parts_no_file_has_is_named(finished) -> None:
    _, unknown = spent_costs(asked(facts_of(finished), "memory", "latency", "makespan:2"))
    assert unknown == ("memory", "latency", "makespan:2")


def test_latency_of_an_edge_is_calibrated_as_the_search_does(finished) -> None:
    facts = asked(facts_of(finished), "latency")
    assert facts.network is not None
    names = [edge.name for edge in facts.network.edges]
    conditions = Conditions("cpu", "a processor", 1, 1, "float32", "2.13", "0.1")
    row = LatenciesRow(
        conditions=conditions,
        calibration=Calibration(0.5, 0.25, 3, 0.1, 0.2),
        operation_ms=dict.fromkeys(names, 2.0),
        joining_ms=dict.fromkeys(names, 4.0),
        spread=0.5,
    )
    found, _ = spent_costs(replace(facts, latencies=row))
    assert found[0].per_edge.tolist() == [3.0] * len(names)


def test_schedule_is_drawn_by_the_durations_of_the_file(finished) -> None:
    facts = asked(facts_of(finished), "makespan:2")
    assert facts.network is not None
    (missing,) = schedules_of(facts)
    assert missing.reason == "the run's files do not say how long each edge takes"
    edges = tuple(replace(edge, costs={"duration_ms": 2.0}) for edge in facts.network.edges)
    (drawn,) = schedules_of(replace(facts, network=replace(facts.network, edges=edges)))
    assert not drawn.reason
    assert len(drawn.bars) == len(edges)
    assert max(bar.at + bar.width for bar in drawn.bars) == pytest.approx(100)


# --- the command that makes it again


def config_of(folder: Path, **more: Any) -> SearchConfig:
    config = RunFolder(folder).read_config()
    assert isinstance(config, SearchConfig)
    fields = {name: getattr(config, name) for name in config.__struct_fields__}
    return SearchConfig(**fields | more)


@pytest.mark.parametrize(
    ("recipe", "settings", "preset"),
    [
        (Recipe(), SearchSettings(), None),
        (Recipe(epochs=7, drops=(0.5,), augment=False, clip=float("inf")), SearchSettings(finalists=0), None),
        (Recipe(class_weights=(1.0, 2.5)), SearchSettings(penalty=3.0, adapt_penalty=False), None),
        (Recipe(class_weights="balanced"), SearchSettings(penalty=2.0), None),
        (*resolve_settings("paper", recipe={"epochs": 9}), "paper"),
    ],
)
def test_command_gives_the_settings_of_the_run(finished, recipe, settings, preset) -> None:
    config = config_of(finished, recipe=recipe, settings=settings, preset=preset)
    (line,) = remake_commands(RunFolder(finished), config)
    words = shlex.split(line)
    assert words[:2] == ["bsngraph", "search"]
    command = cli.get_command(None, "search")  # type: ignore[arg-type]
    assert command is not None
    given = dict(command.make_context("search", words[2:]).params)
    assert given["budgets"] == ("price=5", "steps:2=3")
    assert (given["seed"], given["threads"], given["device"]) == (0, 1, "cpu")
    by_hand = set_by_hand(Recipe, given), set_by_hand(SearchSettings, given)
    again = resolve_settings(given["preset"], recipe=by_hand[0], settings=by_hand[1])
    assert again == (recipe, settings)


def test_commands_of_a_choice_make_its_search_first(finished) -> None:
    search = config_of(finished)
    fields = {name: getattr(search, name) for name in RunConfig.__struct_fields__}
    chosen = replace(search.settings, finalists=2, candidates=4, finetune_epochs=0)
    config = PruneConfig(**fields | {"settings": chosen, "seed": 5}, chosen_from=search)
    first, second = map(shlex.split, remake_commands(RunFolder(finished), config))
    assert first[:2] == ["bsngraph", "search"]
    assert second[:3] == ["bsngraph", "prune", first[first.index("--out") + 1]]
    command = cli.get_command(None, "prune")  # type: ignore[arg-type]
    assert command is not None
    given = command.make_context("prune", second[2:]).params
    assert (given["finalists"], given["candidates"], given["seed"]) == (2, 4, 5)
    assert given["finetune_epochs"] is None
    assert given["budgets"] == ("price=5", "steps:2=3")


def test_the_command_for_arrays_from_python_asks_for_their_file(finished) -> None:
    data = config_of(finished).data
    fields = {name: getattr(data, name) for name in data.__struct_fields__} | {"name": "python:mine"}
    (line,) = remake_commands(RunFolder(finished), config_of(finished, data=type(data)(**fields)))
    words = shlex.split(line)
    assert words[words.index("--data") + 1] == "npz:FILE"


def test_command_is_quoted_for_a_shell(finished) -> None:
    config = config_of(finished)
    data = config.data
    fields = {name: getattr(data, name) for name in data.__struct_fields__} | {"name": "npz:$(reboot) '.npz"}
    (line,) = remake_commands(RunFolder(finished), config_of(finished, data=type(data)(**fields)))
    words = shlex.split(line)
    assert words[words.index("--data") + 1] == "npz:$(reboot) '.npz"
    assert "'npz:$(reboot) '\"'\"'.npz'" in line


# --- parts


@pytest.mark.parametrize("task", TASKS)
def test_metrics_read_as_their_task_says(task) -> None:
    headline = TASKS[task].headline
    assert metric_title(headline.name) == headline.title
    assert metric_value(headline.name, 0.6125) == headline.value(0.6125)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5), st.booleans())
def test_every_value_and_tick_is_on_the_axis(values, from_zero) -> None:
    scale = scale_over(values, from_zero=from_zero)
    assert scale.low < scale.high
    assert all(0 <= scale.at(value) <= 100 for value in values)
    assert all(0 <= tick.at <= 100 for tick in scale.ticks())
    assert len(scale.ticks()) <= 7


@given(st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=5))
def test_every_value_and_tick_is_on_a_logarithmic_axis(values) -> None:
    scale = logarithmic_over(values)
    assert scale.low < scale.high
    assert all(0 <= scale.at(value) <= 100 for value in values)
    assert 1 < len(scale.ticks()) <= 7


def test_uplot_is_in_the_package_with_its_licence() -> None:
    assets = Path(bsngraph.__file__).parent / "reporting" / "assets"
    assert "v1.6.32" in (assets / "uPlot.iife.min.js").read_text(encoding="utf-8")[:100]
    assert "MIT License" in (assets / "uPlot.LICENSE.txt").read_text(encoding="utf-8")


def test_page_noun_is_frozen(finished, unpictured) -> None:
    assert isinstance(page_of(facts_of(finished)), RunPage)
    with pytest.raises(AttributeError):
        page_of(facts_of(finished)).name = "x"  # type: ignore[misc]
