"""A stranger's file: nothing in it is run or imported, and whatever it says, reading
ends soon, in bounded memory, with a clear error.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from mutated_files import bases, mutated, outcome

from bsngraph.errors import FabricError, InputError
from bsngraph.fabric import draft_file, read_fabric
from bsngraph.fabric.model import Fabric
from bsngraph.fabric.reading import bounds
from bsngraph.fabric.reading.graphml_to_raw import graphml_to_raw
from bsngraph.profile import profile_draft, profile_fabric
from bsngraph.supernet import compile_fabric


def error_of(tmp_path: Path, name: str, content: str | bytes, *, seconds: float = 20.0) -> InputError:
    """The error that reading a file ends in."""
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    start = time.process_time()
    with pytest.raises(InputError) as caught:
        profile_draft(draft_file(path))
    assert time.process_time() - start < seconds
    assert caught.value.exit_code == 2
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 100_000
    if isinstance(caught.value, FabricError):
        assert all(problem.where for problem in caught.value.problems)
    return caught.value


def sized(tmp_path: Path, body: str, input_: str = "8x8x8") -> Fabric:
    path = tmp_path / "f.dot"
    path.write_text(f'digraph {{ graph [source=x, target=y]; x [input="{input_}"]; {body} }}')
    return read_fabric(path)


# --- nothing is run or imported

EVIL = "__import__('pathlib').Path('{trace}').touch()"
ATTACKS = {
    "f.dot": 'digraph {{ graph [source=x, target=y, c=1]; x [input="4"]; x -> y [op="{evil}", '
    'features="$c + {evil}", kernel="{evil}"] }}',
    "g.dot": 'digraph {{ graph [source=x, target=y]; x [input="{evil}"]; x -> y [op="os.system", '
    'command="touch {trace}"] }}',
    "f.json": '{{"directed": true, "py/object": "os.system", "nodes": [{{"id": "x", "input": "{evil}"}}], '
    '"edges": [{{"op": "{evil}"}}]}}',
    "f.graphml": '<graphml><key id="k" for="edge" attr.name="op" attr.type="pathlib.Path"/><graph '
    'edgedefault="directed"><node id="x"/>'
    '<node id="y"/><edge source="x" target="y"><data key="k">{evil}</data></edge></graph></graphml>',
    "g.graphml": '<?xml version="1.0" encoding="trojan"?><graphml><graph edgedefault="directed"/></graphml>',
    "h.graphml": '<?xml version="1.0"?><?xml-stylesheet href="file:///{trace}"?>'
    '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="{trace}"/>',
}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_code_runs_and_nothing_named_in_a_file_is_imported(name: str, tmp_path: Path) -> None:
    (tmp_path / "trojan.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w')")
    evil = EVIL.format(trace=tmp_path / "trace")
    (tmp_path / name).write_text(ATTACKS[name].format(evil=evil, trace=tmp_path / "trace"))
    code = (
        "import sys, encodings.utf_8_sig; from bsngraph.fabric import read_fabric; before = "
        "set(sys.modules)\n"
        f"try: read_fabric({str(tmp_path / name)!r})\n"
        "except Exception as error: print(type(error).__name__)\n"
        "print(sorted(module for module in set(sys.modules) - before if not module.startswith('lark')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        check=True,
    )
    assert done.stdout.splitlines() == ["FabricError", "[]"], done
    assert not (tmp_path / "trace").exists()


# --- sizes

HUGE = (10**9, 2**31, 2**63, 10**30)


@pytest.mark.parametrize("size", HUGE)
def test_a_size_beyond_its_bound_is_refused_before_anything_is_built(size: int, tmp_path: Path) -> None:
    head = 'digraph { graph [source=x, target=y]; x [input="8x8x8"]; x -> y '
    found = error_of(tmp_path, "f.dot", head + f"[op=conv, channels={size}] }}")
    assert f"channels={size} must lie between 1 and 65536 @ edge x->y#0, line 1" in str(found)
    found = error_of(tmp_path, "f.dot", head.replace("8x8x8", f"{size}x8x8") + "[op=conv, channels=4] }")
    assert f"input={size}x8x8 is not a shape @ node x, line 1" in str(found)


def test_an_input_of_many_legal_sizes_is_refused(tmp_path: Path) -> None:
    found = error_of(
        tmp_path,
        "f.dot",
        'digraph { graph [source=x, target=y]; x [input="65536x65536x65536"]; x -> y [op=identity] }',
    )
    assert "input=65536x65536x65536 has 281,474,976,710,656 values @ node x" in str(found)
    found = error_of(
        tmp_path,
        "f.dot",
        f'digraph {{ graph [source=x, target=y]; x [input="{"x".join("1" * 60)}"]; x -> y [op=identity] }}',
    )
    assert "is not a shape @ node x" in str(found)


BROAD = "edge [op=conv, channels=65536, kernel=255]; x -> a; a -> b; a -> b; b -> y"


def test_legal_sizes_whose_product_is_terabytes_are_priced_without_memory_and_refused_by_the_compiler(
    tmp_path: Path,
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    profile = profile_fabric(sized(tmp_path, BROAD))
    assert profile.params.sum() > 8e14
    with pytest.raises(FabricError) as caught:
        compile_fabric(profile, seed=0)
    assert re.search(
        r"the network has [\d,]+ parameters, [\d,]+ of them on this edge @ edge a->b#0: at most "
        r"2,147,483,648",
        str(caught.value),
    )
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_a_shape_that_torch_cannot_count_is_an_error_with_a_place(tmp_path: Path) -> None:
    path = tmp_path / "f.dot"
    path.write_text(
        'digraph { graph [source=x, target=y]; x [input="65536x8x8"]; x -> a [op=upsample, height=65536, '
        "width=65536]; "
        "a -> b [op=linear, features=65536]; b -> y [op=identity] }"
    )
    with pytest.raises(FabricError) as caught:
        profile_draft(draft_file(path))
    assert caught.value.problems[0].where == "edge a->b#0, line 1"


# --- many edges, deep nesting, long texts


def test_a_file_of_ten_million_edges_is_refused_by_its_size_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "f.dot"
    with path.open("w") as file:
        file.write("digraph {\n")
        for _ in range(100):
            file.write("a -> b;\n" * 100_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="larger than 64 MiB"):
        read_fabric(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds a hundredth of what they are, so that passing them takes a test no
    time.
    """
    monkeypatch.setattr(bounds, "MAX_EDGES", 2_000)
    monkeypatch.setattr(bounds, "MAX_NODES", 2_000)
    monkeypatch.setattr(bounds, "MAX_DOT_WORDS", 10_000)
    monkeypatch.setattr(bounds, "MAX_WORDS", 40_000)


def as_json(nodes: list[object], edges: list[object]) -> str:
    return json.dumps({"directed": True, "nodes": nodes, "edges": edges})


MANY_NAMES = " ".join(f"n{number}" for number in range(500))
STRICT = "{a b c d e f} -> {a b c d e f g} [a=b]\n"
MANY_COSTS = " ".join(f"cost_{number}=1" for number in range(500))
ELEMENTS = '<graphml><graph edgedefault="directed">'
OVER = {
    "edges": ("f.dot", "digraph { " + "a -> b " * 2_001 + "}", "more than 2,000 edges @ line 1"),
    "a chain": ("f.dot", "digraph { " + " -> ".join("a" * 2_002) + "}", "more than 2,000 edges @ line 1"),
    "a cross product": (
        "f.dot",
        f"digraph {{\n {{{MANY_NAMES}}} -> {{{MANY_NAMES}}} }}",
        "more than 2,000 edges @ line 2",
    ),
    "a chain of cross products": (
        "f.dot",
        f"digraph {{ {{{MANY_NAMES}}}" + " -> {a b c d e f}" * 3 + "}",
        "more than 2,000 edges",
    ),
    "a strict cross product over and over": (
        "f.dot",
        f"strict digraph {{ {STRICT * 600} }}",
        "more than 40,000 words",
    ),
    "nodes": (
        "f.dot",
        "digraph { " + " ".join(f"n{number}" for number in range(2_001)) + "}",
        "more than 2,000 nodes @ line 1",
    ),
    "words": ("f.dot", "digraph { " + "a [b=c]" * 3_400 + "}", "more than 10,000 words @ line 1"),
    "brackets": ("f.dot", "digraph { a " + "[]" * 30_000 + "}", "more than 10,000 words"),
    "braces": ("f.dot", "digraph { a " + "{" * 30_000 + "}", "more than 10,000 words"),
    "joined texts": ("f.dot", 'digraph { a [label=""' + '+""' * 30_000 + "] }", "more than 10,000 words"),
    "defaults that all inherit": (
        "f.dot",
        f"digraph {{ edge [{MANY_COSTS}] {'a->b ' * 100} }}",
        "40,000 words",
    ),
    "a subgraph over and over": (
        "f.dot",
        f"digraph {{ subgraph s {{{MANY_NAMES}}} " + "subgraph s {} " * 100 + "}",
        "more than 40,000 words",
    ),
    "edges of JSON": (
        "f.json",
        as_json([{"id": 1}], [{"source": 1, "target": 1}] * 2_001),
        "2,000 edges @ edges[2000]",
    ),
    "nodes of JSON": ("f.json", as_json([{"id": n} for n in range(2_001)], []), "2,000 nodes @ nodes[2000]"),
    "words of JSON": ("f.json", "[" + "{}," * 25_000 + "{}]", "more than 40,000 words"),
    "edges of GraphML": (
        "f.graphml",
        ELEMENTS + '<edge source="a" target="b"/>' * 2_001,
        "2,000 edges @ line 1",
    ),
    "nodes of GraphML": (
        "f.graphml",
        ELEMENTS + "".join(f'<node id="{n}"/>' for n in range(2_001)),
        "2,000 nodes",
    ),
    "attributes of GraphML": (
        "f.graphml",
        "<graphml " + " ".join(f'a{n}=""' for n in range(40_001)) + "/>",
        "40,000 words @ line 1",
    ),
    "elements of GraphML": ("f.graphml", "<graphml><data>" + "<a/>" * 40_001, "40,000 words @ line 1"),
}


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize("what", OVER)
def test_more_than_the_bounds_is_refused_while_it_is_read(what: str, tmp_path: Path) -> None:
    name, content, said = OVER[what]
    assert said in str(error_of(tmp_path, name, content))


HTML = "<" * 2_000_000
DEEP = {
    "DOT": ("f.dot", "digraph " + "{" * 100_000 + "}" * 100_000, "nest deeper than 64"),
    "DOT in order": (
        "f.dot",
        "digraph g { a -> " + "subgraph {" * 100 + " b " + "}" * 100 + "}",
        "nest deeper than 64",
    ),
    "HTML": ("f.dot", f"digraph {{ a [label={HTML}] }}", "line 1, column 20: close every <"),
    "JSON": ("f.json", '{"directed":\n' + "[" * 100_000, "brackets nest deeper than 64 @ line 2, column 64"),
    "JSON objects": ("f.json", '{"a":' * 100_000, "brackets nest deeper than 64 @ line 1, column 321"),
    "JSON in an attribute": (
        "f.json",
        '{"directed": true, "nodes": [{"id": ' + "[" * 500 + "]" * 500 + "}]}",
        "id is a list",
    ),
    "GraphML": ("f.graphml", "<graphml><data>" + "<a>" * 100_000, "elements nest deeper than 64 @ line 1"),
    "brackets of arithmetic": (
        "f.dot",
        f'digraph {{ graph [c=1]; a -> b [op=linear, features="{"(" * 150}$c"] }}',
        "must be arithmetic",
    ),
    "parameters": (
        "f.dot",
        "digraph { graph [" + " ".join(f'p{n}="$p{n + 1}"' for n in range(2_000)) + "] a }",
        "more than 100 parameters",
    ),
    "a long arithmetic": (
        "f.dot",
        f'digraph {{ graph [c=1]; a -> b [op=linear, features="{"$c+" * 2_000}1"] }}',
        "must be shorter",
    ),
}


@pytest.mark.parametrize("what", DEEP)
def test_deep_nesting_is_a_clear_error(what: str, tmp_path: Path) -> None:
    name, content, said = DEEP[what]
    assert said in str(error_of(tmp_path, name, content))


LONG = "y" * 1_000_000
TEXTS = {
    "a name": ("f.dot", f"digraph {{ {LONG} }}"),
    "an attribute": ("f.dot", f"digraph {{ a [{LONG}=1] }}"),
    "a value": ("f.dot", f"digraph {{ a\n [label={LONG}] }}"),
    "a graph's": ("f.dot", f"digraph {{ b={LONG} }}"),
    "a default": ("f.dot", f"digraph {{ node [merge={LONG}] a }}"),
    "JSON": ("f.json", as_json([{"id": LONG}], [])),
    "GraphML": ("f.graphml", f'<graphml><graph edgedefault="directed"><node id="{LONG}"/></graph></graphml>'),
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_long_text_is_refused_where_it_stands(what: str, tmp_path: Path) -> None:
    found = str(error_of(tmp_path, *TEXTS[what]))
    assert "a text of 1,000,0" in found
    assert "names and values have at most 10,000 characters" in found


def test_a_long_number_in_a_name_is_sorted_like_any_other(tmp_path: Path) -> None:
    fabric = sized(
        tmp_path,
        f"x -> n{'9' * 5_000} -> y [op=identity]; x -> n10 -> y [op=identity]; x -> n9 -> y [op=identity]",
    )
    assert [node.name[:3] for node in fabric.nodes] == ["x", "n9", "n10", "n99", "y"]


def test_many_problems_end_the_search_for_more_and_are_not_all_printed(tmp_path: Path) -> None:
    found = error_of(tmp_path, "f.dot", "digraph { " + "a -> b [op=covn]\n" * 20_000 + "}")
    assert isinstance(found, FabricError)
    assert len(found.problems) == 1_000
    assert str(found).endswith("… and 900 more")


def test_many_names_are_not_searched_for_the_nearest(tmp_path: Path) -> None:
    nodes = " ".join(f"node{number}" for number in range(20_000))
    found = error_of(tmp_path, "f.dot", f"digraph {{ graph [source=nod, target=nde]; {nodes} }}")
    assert (
        "source 'nod' is not a node @ graph: known are node0, node1, node10, node100, node1000 and 19995 "
        "others" in str(found)
    )


@pytest.mark.parametrize("ends", [(1_500, 1), (1, 1_500)])
def test_many_sources_or_targets_take_no_more_than_a_walk(ends: tuple[int, int], tmp_path: Path) -> None:
    sources, targets = (
        [f"{letter}{number}" for number in range(count)] for letter, count in zip("xy", ends, strict=True)
    )
    path = tmp_path / "f.dot"
    chain = " -> ".join(["h0", *(f"h{number}" for number in range(1, 500))])
    path.write_text(
        f'digraph {{ graph [source="{",".join(sources)}", target="{",".join(targets)}"]; edge [op=identity]; '
        f'node [input="4"] {" ".join(sources)} node [input=""] {{{" ".join(sources)}}} -> {chain} -> '
        f"{{{' '.join(targets)}}} }}"
    )
    start = time.process_time()
    assert len(read_fabric(path).edges) == 2_000
    assert time.process_time() - start < 10


def test_many_parallel_edges_take_no_more_than_linear_time(tmp_path: Path) -> None:
    edges = "".join(f"x -> y [key=k{number}]; " for number in range(5_000)) + "x -> y; " * 5_000
    start = time.process_time()
    assert len(sized(tmp_path, "edge [op=identity]; " + edges).edges) == 10_000
    assert time.process_time() - start < 15


# --- XML's own ways

LAUGHS = (
    """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol">"""
    + "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1 if n else str()};" * 10}">' for n in range(10))
    + "]>\n<graphml>&lol9;</graphml>"
)


@pytest.mark.parametrize(
    "content",
    [
        LAUGHS,
        '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><graphml>&x;</graphml>',
        "<!--\n--><!DOCTYPE graphml SYSTEM "
        '"http://graphml.graphdrawing.org/dtds/1.0rc/graphml.dtd"><graphml/>',
        '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY % x SYSTEM "http://localhost/x"> %x;]><graphml/>',
    ],
)
def test_a_document_type_is_refused(content: str, tmp_path: Path) -> None:
    start = time.process_time()
    found = str(error_of(tmp_path, "f.graphml", content))
    assert "a document type declaration @ line 2, column" in found
    assert time.process_time() - start < 1


def test_an_entity_that_nobody_declared_is_an_error(tmp_path: Path) -> None:
    assert "undefined entity" in str(error_of(tmp_path, "f.graphml", "<graphml>&x;</graphml>"))


def test_utf_16_is_an_error_in_every_format(tmp_path: Path) -> None:
    for suffix in ("dot", "json", "graphml"):
        content = b"\xff\xfe" + "<graphml/>".encode("utf-16-le")
        assert str(tmp_path) in str(error_of(tmp_path, f"f.{suffix}", content))


def test_what_is_no_regular_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        read_fabric(tmp_path / "folder.json")
    (tmp_path / "zero.dot").symlink_to("/dev/zero")
    with pytest.raises(InputError, match=r"cannot be read \(it is a pipe or a device\)"):
        read_fabric(tmp_path / "zero.dot")


def test_the_parser_of_xml_is_given_its_encoding() -> None:
    with pytest.raises(FabricError, match="saved as UTF-8"):
        graphml_to_raw('<?xml version="1.0" encoding="latin-1"?><graphml>ä</graphml>'.encode("latin-1"), "f")


# --- random damage


@pytest.mark.parametrize("name", sorted(bases()))
def test_a_damaged_file_gives_an_error_with_a_place_or_a_valid_fabric(name: str, tmp_path: Path) -> None:
    random, content = Random(name), bases()[name]
    (tmp_path / name).write_bytes(content)
    assert outcome(tmp_path / name) == "valid"
    for _ in range(40):
        (tmp_path / name).write_bytes(mutated(content, random))
        outcome(tmp_path / name)
