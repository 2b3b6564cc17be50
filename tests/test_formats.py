"""One fabric in every format: what is written reads back as itself, and other programs'
files give the fabric that they mean.

networkx is the reference for GraphML and node-link JSON, as Graphviz is for DOT: its
readers share no code with ours.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import networkx as nx
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from random_fabrics import small_fabrics, small_graphs

from bsngraph.cli.main import cli
from bsngraph.errors import FabricError, InputError
from bsngraph.fabric import Fabric, fabric_from_networkx, formats, read_fabric, write_fabric
from bsngraph.fabric.binding.raw_to_fabric import raw_to_fabric
from bsngraph.fabric.formats import FORMATS, Format, format_of, from_text
from bsngraph.fabric.reading.graphml_to_raw import graphml_to_raw
from bsngraph.fabric.reading.node_link_to_raw import node_link_to_raw
from bsngraph.fabric.reading.raw import RawGraph
from bsngraph.fabric.words.name_lists import join_names, split_names
from bsngraph.fabric.words.writable_text import cannot_be_written
from bsngraph.fabric.writing.fabric_to_graphml import write_graphml
from bsngraph.fabric.writing.fabric_to_networkx import fabric_to_networkx
from bsngraph.fabric.writing.fabric_to_node_link import write_node_link

FILES = Path(__file__).parent / "files"
FABRICS = Path(__file__).parents[1] / "fabrics"

ODD_NAMES = (
    "a b", 'say "hi"', "a:b:c", "<b>", "<", "&amp;", "é ✓ 名前", "->", "-> [x=1];", "a,b", " a ", "node",
    "graph", "#0", "$x", "🙂", "]]>",
    "<!-- x -->", "key", "{", "'", "//x", "1", "01", "n0", "@id", "null", "N" * 200,
)  # fmt: skip
ODD_TEXTS = (
    "<b>x</b>",
    "one\\ntwo",
    "one\ntwo",
    "a\r\nb",
    "tab\there",
    " ",
    '"',
    "&lt;",
    "]]>",
    "US$5",
    "\x85\u2028",
    "true",
    "1.50",
    "名",
)
printable = st.characters(categories=("L", "M", "N", "P", "S"), exclude_characters="\\%") | st.just(" ")
names = st.sampled_from(ODD_NAMES) | st.text(printable, min_size=1, max_size=8)
texts = st.sampled_from(ODD_TEXTS) | st.text(
    st.characters(exclude_categories=("C",), exclude_characters="\\"), min_size=1
)
node_styles = st.dictionaries(
    st.sampled_from(("label", "color", "id", "target", "URL", "pos")), texts, max_size=2
)
edge_styles = st.dictionaries(
    st.sampled_from(("label", "color", "id", "target", "weight", "xlabel")), texts, max_size=2
)
graph_styles = st.dictionaries(
    st.sampled_from(("label", "rankdir", "id", "bgcolor", "style")), texts, max_size=2
)
numbers = st.floats(0, allow_nan=False, allow_infinity=False) | st.sampled_from(
    (0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 1e22)
)


@st.composite
def odd_fabrics(draw: st.DrawFn) -> Fabric:
    """Random fabrics with everything a file can say about them, and names that formats
    stumble over.
    """
    graph = draw(small_graphs(max_sources=2, max_targets=2, costs=True))
    graph.graph["name"] = draw(names | st.just(""))
    graph.graph |= draw(graph_styles)
    fresh = dict(
        zip(graph, draw(st.lists(names, min_size=len(graph), max_size=len(graph), unique=True)), strict=True)
    )
    for word in ("source", "target"):
        graph.graph[word] = join_names(
            [fresh[name] for name in graph.graph[word].split(",")], set(fresh.values())
        )
    for _, attributes in graph.nodes(data=True):
        attributes |= draw(node_styles)
    keys = draw(st.lists(names, min_size=len(graph.edges), max_size=len(graph.edges), unique=True))
    odd = nx.MultiDiGraph(**graph.graph)
    odd.add_nodes_from((fresh[name], attributes) for name, attributes in graph.nodes(data=True))
    groups = draw(st.tuples(names, names).filter(lambda pair: pair[0] != pair[1]))
    for (source, target, number, attributes), key in zip(
        graph.edges(keys=True, data=True), keys, strict=True
    ):
        given_key = draw(st.sampled_from((key, str(number))))
        while odd.has_edge(fresh[source], fresh[target], given_key):
            given_key += "'"
        odd.add_edge(fresh[source], fresh[target], given_key)
        odd.edges[fresh[source], fresh[target], given_key].update(
            attributes | draw(edge_styles) | {"cost_höhe": draw(numbers)}
        )
    free = [data for *_, data in odd.edges(keys=True, data=True) if not data.get("fixed")]
    for index, attributes in enumerate(free[: draw(st.integers(0, 4))]):
        attributes["probability"] = 1 / 3
        attributes[("gate", "choice")[index // 2]] = groups[index // 2]
    try:
        return fabric_from_networkx(odd)
    except FabricError as error:
        said = str(error)
        assert "two edges bear this name" in said or "single option" in said or "names a parameter" in said, (
            said
        )
        return draw(small_fabrics(costs=True))


@pytest.mark.parametrize("suffix", [suffix for format_ in FORMATS for suffix in format_.suffixes])
@given(fabric=odd_fabrics())
def test_what_is_written_reads_back_as_the_same_fabric(suffix: str, fabric: Fabric) -> None:
    format_ = format_of(Path(f"f{suffix}"))
    written = format_.write(fabric)
    content = written.encode("utf-8") if isinstance(written, str) else written
    assert raw_to_fabric(format_.read(content, "f")).finish() == fabric


@pytest.mark.parametrize("name", ["digits.dot"])
@pytest.mark.parametrize("suffix", [".gv", ".graphml", ".json", ".GraphML"])
def test_a_file_goes_through_every_format_and_comes_back(name: str, suffix: str, tmp_path: Path) -> None:
    fabric = read_fabric(FABRICS / name)
    write_fabric(fabric, tmp_path / f"there{suffix}")
    there = read_fabric(tmp_path / f"there{suffix}")
    write_fabric(there, tmp_path / "back.dot")
    assert there == fabric == read_fabric(tmp_path / "back.dot")


def test_information_about_shapes_and_costs_is_kept_in_every_format(tmp_path: Path) -> None:
    fabric = read_fabric(FILES / "fabric.dot")
    nodes = tuple(replace(node, tensor=(8, 8, 8)) for node in fabric.nodes)
    edges = tuple(replace(edge, computed={"macs": 36864.0, "params": 80.0}) for edge in fabric.edges)
    told = replace(fabric, nodes=nodes, edges=edges)
    for suffix in (".dot", ".graphml", ".json"):
        write_fabric(told, tmp_path / f"f{suffix}")
        again = read_fabric(tmp_path / f"f{suffix}")
        assert [node.tensor for node in again.nodes] == [(8, 8, 8)] * 4
        assert [dict(edge.computed) for edge in again.edges] == [{"macs": 36864.0, "params": 80.0}] * 5


# --- networkx as the reference


@given(small_fabrics(costs=True, max_sources=2))
def test_networkx_reads_what_is_written_as_the_graph_of_the_fabric(fabric: Fabric) -> None:
    ours = fabric_to_networkx(fabric)
    theirs = nx.node_link_graph(json.loads(write_node_link(fabric)), edges="edges")
    assert nx.utils.graphs_equal(ours, theirs)
    parsed = nx.parse_graphml(write_graphml(fabric).decode(), edge_key_type=str, force_multigraph=True)
    for *_, attributes in parsed.edges(keys=True, data=True):
        attributes.pop("key")
    assert parsed.nodes(data=True) == ours.nodes(data=True)
    assert {(*edge[:3], *sorted(edge[3].items())) for edge in parsed.edges(keys=True, data=True)} == {
        (*edge[:3], *sorted(edge[3].items())) for edge in ours.edges(keys=True, data=True)
    }
    assert {name: value for name, value in parsed.graph.items() if "_default" not in name} == ours.graph


@given(small_graphs(costs=True, max_targets=2))
def test_what_networkx_writes_is_read_as_the_fabric_of_the_graph(graph: nx.MultiDiGraph) -> None:
    fabric = fabric_from_networkx(graph)
    assert (
        raw_to_fabric(graphml_to_raw("\n".join(nx.generate_graphml(graph)).encode(), "f")).finish() == fabric
    )
    assert (
        raw_to_fabric(
            graphml_to_raw("\n".join(nx.generate_graphml(graph, named_key_ids=False)).encode(), "f")
        ).finish()
        == fabric
    )
    for word in ("links", "edges"):
        text = json.dumps(nx.node_link_data(graph, edges=word))
        assert raw_to_fabric(node_link_to_raw(text, "f")).finish() == fabric


def test_a_plain_digraph_of_networkx_is_read_too() -> None:
    graph = nx.DiGraph(source="x", target="y")
    graph.add_node("x", input="4")
    graph.add_edge("x", "y", op="linear", features=3)
    fabric = fabric_from_networkx(graph)
    assert (
        raw_to_fabric(node_link_to_raw(json.dumps(nx.node_link_data(graph)), "f")).finish().edges
        == fabric.edges
    )
    assert (
        raw_to_fabric(graphml_to_raw("\n".join(nx.generate_graphml(graph)).encode(), "f")).finish().edges
        == fabric.edges
    )


# --- files of other programs


@pytest.mark.parametrize(
    "name", ["yed.graphml", "gephi.graphml", "networkx.graphml", "networkx-3.6.json", "networkx-3.2.json"]
)
def test_files_of_other_programs_give_the_fabric_that_they_mean(name: str) -> None:
    meant = read_fabric(FILES / "fabric.dot")
    read = read_fabric(FILES / name)
    assert replace(read, name="small") == meant
    # Gephi's files say nothing about the graph
    assert read.name == ("" if name == "gephi.graphml" else "small")


def changed(name: str, tmp_path: Path, *pairs: tuple[str, str]) -> Path:
    """A sample file with texts replaced."""
    text = (FILES / name).read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(path: Path) -> list[str]:
    with pytest.raises(FabricError) as caught:
        read_fabric(path)
    assert caught.value.exit_code == 2
    return [str(problem) for problem in caught.value.problems]


def test_a_misspelt_word_of_ours_stays_an_error_among_foreign_ones(tmp_path: Path) -> None:
    found = problems_of(changed("yed.graphml", tmp_path, ('attr.name="merge"', 'attr.name="merg"')))
    assert found == ["a node has no attribute 'merg' @ node hidden, line 67: did you mean 'merge'?"]
    found = problems_of(changed("yed.graphml", tmp_path, ('attr.name="kernel"', 'attr.name="kernl"')))
    assert (
        found[0]
        == "default 'kernl' is something that no operation takes @ edge [...], line 26: did you mean "
        "'kernel'?"
    )
    found = problems_of(
        changed("gephi.graphml", tmp_path, ('attr.name="probability"', 'attr.name="probabilty"'))
    )
    assert found == [
        "conv takes no argument 'probabilty' @ edge hidden->the end#0, line 56: did you mean 'probability'?"
    ]
    found = problems_of(
        changed("networkx.graphml", tmp_path, ('attr.name="merge"', 'attr.name="description"'))
    )
    assert re.fullmatch(r"a node has no attribute 'description' @ node hidden, line \d+: .*", found[0])


def test_in_yed_names_are_ids_where_labels_are_missing_or_the_same(tmp_path: Path) -> None:
    ends = (
        ('d1" xml:space="preserve"><![CDATA[image', 'd1"><![CDATA[n0'),
        ('d2" xml:space="preserve"><![CDATA[scores', 'd2"><![CDATA[n2'),
    )
    for label in ("image", ""):
        fabric = read_fabric(changed("yed.graphml", tmp_path, (">the end<", f">{label}<"), *ends))
        assert {node.name for node in fabric.nodes} == {"n0", "n1::n0", "n1::n1", "n2"}
    named = read_fabric(
        changed("yed.graphml", tmp_path, ('"n2"', '"out"'), ends[0], ("<![CDATA[scores", "<![CDATA[out"))
    )
    assert {node.name for node in named.nodes} == {"n0", "n1::n0", "n1::n1", "out"}


def test_a_group_is_what_it_holds_and_no_node(tmp_path: Path) -> None:
    found = problems_of(changed("yed.graphml", tmp_path, ('target="n1::n0"', 'target="n1"')))
    assert found[0] == "an edge ends at the group 'n1' @ line 113: let it end at a node"
    found = problems_of(
        changed(
            "yed.graphml", tmp_path, ('<data key="d10" xml:space="preserve"/>', '<data key="d8">mean</data>')
        )
    )
    assert found == ["a group has no attribute 'merge' @ line 53: give it to the nodes in the group"]


def test_ids_of_edges_are_keys_only_where_somebody_gave_them(tmp_path: Path) -> None:
    assert {edge.key for edge in read_fabric(FILES / "yed.graphml").edges} == {"0", "1", "2"}
    text = "\n".join(nx.generate_graphml(fabric_to_networkx(read_fabric(FILES / "fabric.dot"))))
    (tmp_path / "f.graphml").write_text(text.replace('id="1"', 'id="skip"'))
    assert sorted(edge.key for edge in read_fabric(tmp_path / "f.graphml").edges) == [
        "0",
        "0",
        "0",
        "2",
        "skip",
    ]


def test_an_unknown_suffix_is_an_error_that_names_the_known_ones(tmp_path: Path) -> None:
    fabric = read_fabric(FILES / "fabric.dot")
    for name in ("f.yaml", "f", "f.xml"):
        with pytest.raises(InputError) as caught:
            write_fabric(fabric, tmp_path / name)
        assert str(caught.value).endswith(
            "name it .dot or .gv (DOT), .graphml (GraphML), .json (node-link JSON)"
        )
        with pytest.raises(InputError, match="suffix"):
            read_fabric(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_format_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(text: str, origin: str) -> RawGraph:
        return node_link_to_raw(text.removeprefix("a fabric: "), origin)

    row = Format("Dummy", (".dummy",), from_text(read), lambda fabric: f"a fabric: {write_node_link(fabric)}")
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, row))
    fabric = read_fabric(FILES / "fabric.dot")
    path = tmp_path / "f.dummy"
    write_fabric(fabric, path)
    assert path.read_text(encoding="utf-8").startswith("a fabric: {")
    assert read_fabric(path) == fabric
    for words in (["render", str(path), "-o", str(tmp_path / "f.dot")], ["check", str(path)]):
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, done.output
    assert "small" in (tmp_path / "f.dot").read_text(encoding="utf-8")
    path.write_text("a fabric: {}")
    assert "there is neither `edges` nor `links` @ the file" in str(problems_of(path))
    with pytest.raises(InputError, match=re.escape(".json (node-link JSON), .dummy (Dummy)")):
        read_fabric(tmp_path / "f.other")


# --- mistakes in JSON and GraphML: what, where

GRAPH = '"directed": true, "multigraph": true, "graph": {"source": "x", "target": "y"}'
NODES = '"nodes": [{"id": "x", "input": "4"}, {"id": "y"}]'
EDGES = '"edges": [{"source": "x", "target": "y", "op": "identity"}]'


def top(*parts: str) -> str:
    return "{" + ", ".join(parts) + "}"


def with_edge(attributes: str) -> str:
    return top(GRAPH, NODES, f'"edges": [{{{attributes}}}]')


def with_word(word: str) -> str:
    return with_edge(f'"source": "x", "target": "y", "op": "identity", {word}')


JSON_MISTAKES = {
    "": "not JSON (Expecting value) @ line 1, column 1",
    '{"directed": true,\n "x" 3}': "not JSON (Expecting ':' delimiter) @ line 2, column 6",
    "[]": "is a list and must be an object @ the file",
    "3": "is a number and must be an object @ the file",
    top(GRAPH, NODES): "there is neither `edges` nor `links` @ the file",
    top(GRAPH, NODES, EDGES, '"links": []'): "there are edges under both `edges` and `links` @ the file",
    top(GRAPH, NODES, '"edgs": []'): "a node-link graph has no 'edgs' @ edgs: did you mean 'edges'?",
    top(GRAPH, NODES, '"edges": []'): "the node has no incoming edge and is not a source @ node y",
    top(
        GRAPH.replace("true", "false", 1), NODES, EDGES
    ): 'the graph is undirected @ directed: write "directed": true',
    top(NODES, EDGES): "the graph is undirected @ directed",
    top(GRAPH, NODES, EDGES, '"directed": true'): "'directed' stands here twice @ the file",
    top(GRAPH, '"nodes": [{"id": null}]', EDGES): "id is null and must be text @ nodes[0]",
    top(GRAPH, '"nodes": [{"id": "x"}, {"id": "x"}]', EDGES): "two nodes have the id 'x' @ nodes[1]",
    top(GRAPH, NODES, '"edges": {"a": 1}'): "is an object and must be a list @ edges",
    top(GRAPH, NODES, '"edges": [3]'): "is a number and must be an object @ edges[0]",
    with_edge('"source": "x", "target": "z"'): "the edge ends at 'z', which is no node @ edges[0]",
    with_edge('"target": "y"'): "there is no source @ edges[0]",
    with_edge('"source": ["x"], "target": "y"'): "source is a list and must be text @ edges[0]",
    with_edge('"source": true, "target": "y"'): "source is true or false and must be text @ edges[0]",
    with_word('"op": "conv"'): "'op' stands here twice @ edges[0]",
    with_word('"kernel": [3]'): "is a list and must be a number or text @ edges[0].kernel",
    with_word('"kernel": {}'): "is an object and must be a number or text @ edges[0].kernel",
    with_word('"probability": NaN'): "must be a finite number @ edges[0].probability",
    with_word('"cost_x": -Infinity'): "must be a finite number @ edges[0].cost_x",
    with_word('"cost_x": 1e999'): "must be a finite number @ edges[0].cost_x",
    with_word('"cost_x": ' + "9" * 5000): "must be a finite number @ edges[0].cost_x",
    with_word('"cost_x": ' + "9" * 500): "must be a number @ edge x->y#0",
    with_word('"cost_x": true'): "must be a finite number @ edge x->y#0",
    with_word('"cost_ x": 3'): "'cost_ x' cannot name a cost @ edge x->y#0",
    with_word('"label": "\\ud800"'): "holds a control character that GraphML cannot write @ edge x->y#0",
    top('"directed": true, "graph": []', NODES, EDGES): "is a list and must be an object @ graph",
    top(
        '"directed": true, "graph": {"edge": 3}', NODES, EDGES
    ): "is a number and must be an object @ graph.edge",
    top(
        '"directed": true, "graph": {"edge": {"kernl": 3}}', NODES, EDGES
    ): "default 'kernl' is something that no operation takes",
    top('"directed": true, "multigraph": 3', NODES, EDGES): "must be true or false @ multigraph",
}


@pytest.mark.parametrize(("text", "said"), JSON_MISTAKES.items())
def test_a_mistake_in_node_link_json_is_told_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(text)
    assert any(said in problem for problem in problems_of(tmp_path / "f.json")), problems_of(
        tmp_path / "f.json"
    )


def test_json_may_say_an_input_as_a_list_number_nodes_and_leave_values_unset(tmp_path: Path) -> None:
    text = """{"directed": true, "graph": {"source": 1, "target": 2, "edge": {"op": "conv"}},
      "nodes": [{"id": 1, "input": [1, 8, 8]}, {"id": 2, "merge": null}],
      "links": [{"source": 1, "target": 2, "channels": 4, "fixed": true}]}"""
    (tmp_path / "f.json").write_bytes(b"\xef\xbb\xbf" + text.encode())
    fabric = read_fabric(tmp_path / "f.json")
    assert (fabric.sources, fabric.nodes[0].input, fabric.edges[0].arguments) == (
        ("1",),
        (1, 8, 8),
        {"channels": 4},
    )


def graphml(body: str, graph: str = 'edgedefault="directed"') -> str:
    keys = "".join(
        f'<key id="{word}" for="{scope}" attr.name="{word}" attr.type="string"/>'
        for scope, words in {
            "graph": ("source", "target"),
            "node": ("input",),
            "edge": ("op", "cost_x"),
        }.items()
        for word in words
    )
    ends = '<data key="source">x</data><data key="target">y</data>'
    return (
        f'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">{keys}\n<graph '
        f"{graph}>{ends}\n{body}\n</graph></graphml>"
    )


X_Y = '<node id="x"><data key="input">4</data></node><node id="y"/>'
EDGE = '<edge source="x" target="y"><data key="op">identity</data></edge>'

GRAPHML_MISTAKES = {
    "": "not well-formed XML (no element found) @ line 1, column 1",
    "<graphml>": "not well-formed XML (no element found) @ line 1, column 10",
    "<graphml></graphm>": "not well-formed XML (mismatched tag) @ line 1, column 12",
    "a -> b": "not well-formed XML (syntax error) @ line 1, column 1",
    "digraph { a -> b }": "the file holds DOT, and its suffix says GraphML @ the whole file: name it .dot",
    "<svg></svg>": "the file holds <svg> @ line 1, column 1",
    "<graphml></graphml>": "the file holds no graph @ line 1",
    "<graphml>\n<grph/></graphml>": "GraphML has no element <grph> @ line 2, column 1: did you mean 'graph'?",
    graphml(X_Y + EDGE, ""): "the graph is undirected @ line 2, column 1",
    graphml(X_Y + EDGE, 'edgedefault="undirected"'): "the graph is undirected @ line 2, column 1",
    graphml(X_Y + EDGE.replace("<edge", '<edge directed="false"')): "an undirected edge @ line 3",
    graphml(X_Y + EDGE.replace("<edge", '<edge sourceport="p"')): "a fabric has no ports @ line 3",
    graphml('<node id="x"><port name="p"/></node>'): "a fabric has no ports @ line 3, column 14",
    graphml(X_Y + '<hyperedge><endpoint node="x"/></hyperedge>'): "a fabric has no hyperedges @ line 3",
    graphml(X_Y + X_Y): "two nodes have the id 'x' @ line 3",
    graphml(X_Y + "<node/>"): "a node has no id @ line 3",
    graphml(X_Y + '<edge source="x"/>'): "an edge lacks its source or target @ line 3",
    graphml(X_Y + '\n<edge source="x" target="z"/>'): "an edge ends at 'z', which is no node @ line 4",
    graphml(X_Y + EDGE.replace('key="op"', 'key="oop"')): "data of a key 'oop' that is not declared @ "
        "line 3: did you mean 'op'?",
    graphml(X_Y + EDGE.replace("</edge>", '<data key="op">conv</data></edge>')): "the attribute 'op' "
        "stands here twice @ line 3",
    graphml(X_Y + EDGE.replace("</edge>", '<data key="cost_x">NaN</data></edge>')): "must be a finite "
        "number @ edge x->y#0, line 3",
    graphml(X_Y + EDGE.replace('<data key="op">identity</data>', "")): "the edge has no operation @ edge "
        "x->y#0, line 3",
    graphml(X_Y + EDGE) .replace("</graph>", "</graph><graph "
        "edgedefault='directed'/>"): "the file holds a second graph @ line 4",
    graphml(X_Y + EDGE.replace("<data", "<dat").replace("/data", "/dat")): "GraphML has no element <dat> "
        "@ line 3",
    graphml(X_Y + "<key id='q'/>"): "<key> inside <graph> @ line 3",
    graphml(X_Y + EDGE).replace('id="cost_x"', 'id="op"'): "two keys have the id 'op' @ line 1",
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), GRAPHML_MISTAKES.items())
def test_a_mistake_in_graphml_is_told_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "f.graphml").write_text(text)
    assert any(said in problem for problem in problems_of(tmp_path / "f.graphml")), problems_of(
        tmp_path / "f.graphml"
    )


def test_graphml_without_a_namespace_with_comments_and_with_defaults_is_read(tmp_path: Path) -> None:
    text = graphml(X_Y + EDGE.replace('<data key="op">identity</data>', "<!-- the default -->")).replace(
        ' xmlns="http://graphml.graphdrawing.org/xmlns"', ""
    )
    (tmp_path / "f.graphml").write_text(
        re.sub('(<key id="op"[^/]*)/>', r"\1><default>identity</default></key>", text)
    )
    assert read_fabric(tmp_path / "f.graphml").edges[0].op == "identity"


# --- several names in one text


@given(st.lists(names, min_size=1, max_size=3, unique=True), st.lists(names, max_size=3))
def test_names_in_one_text_are_told_apart(some: list[str], others: list[str]) -> None:
    known = {*some, *others}
    assert split_names(join_names(some, known), known) == some
    assert cannot_be_written(join_names(some, known)) is None
