"""Operations of the user's own: registering, loading by `--ops`, profiling, and every
mistake one can make with them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from bsngraph.cli.main import cli
from bsngraph.errors import FabricError, InputError
from bsngraph.fabric import draft_file
from bsngraph.ops import OPERATIONS, load_operations, operation
from bsngraph.ops.building import build
from bsngraph.ops.counting.operation_profile import profile
from bsngraph.profile import profile_draft

ROOT = Path(__file__).parents[1]
SCALE = """import bsngraph
@bsngraph.operation('scale')
def scale(shape, *, factor: float = 2.0):
    'Times.'
    return lambda x: factor * x
"""
FABRIC = (
    'digraph { graph [source=x, target=y]; x [input="3x8x8"]; x -> a [op=conv, channels=4]; a -> y [op=%s] }'
)


@pytest.fixture(autouse=True)
def _table_as_it_was():
    before = dict(OPERATIONS)
    yield
    OPERATIONS.clear()
    OPERATIONS.update(before)


def write(folder: Path, text: str, name: str = "own.py") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def refused(code: str) -> str:
    before = dict(OPERATIONS)
    with pytest.raises(InputError) as caught:
        load_operations(code)
    assert before == OPERATIONS, "nothing stays registered"
    return str(caught.value)


def problem(folder: Path, op: str = "test_op") -> str:
    """What a fabric with that operation is refused for."""
    path = write(folder, FABRIC % op, "fabric.dot")
    with pytest.raises(FabricError) as caught:
        profile_draft(draft_file(path))
    (only,) = caught.value.problems
    assert (only.where, only.cure) == ("edge a->y#0, line 1", "change its arguments, or what comes into a")
    return only.what


# --- registering


def test_a_class_is_an_operation_with_the_arguments_of_its_init():
    @operation("test_op")
    class Narrow(nn.Module):
        """One linear layer.

        When: for tests.
        Sizes: any → features
        """

        def __init__(self, shape: tuple[int, ...], *, features: int, bias: bool = True):
            super().__init__()
            self.linear = nn.Linear(shape[0], features, bias)

        def forward(self, x):
            return self.linear(x)

    entry = OPERATIONS["test_op"]
    assert [str(argument) for argument in entry.arguments.values()] == ["features: int", "bias: bool = True"]
    assert (entry.summary, entry.when, entry.sizes, entry.origin) == (
        "One linear layer.",
        "for tests.",
        "any → features",
        __name__,
    )
    found = profile("test_op", {"features": 3, "bias": False}, (5,))
    assert (found.shape, found.macs, found.params) == ((3,), 15, 15)
    assert isinstance(build("test_op", {"features": 3}, (5,)), Narrow)


def test_a_class_without_a_docstring_does_not_inherit_torch_s():
    operation("test_op")(
        type("Silent", (nn.Identity,), {"__init__": lambda self, shape: nn.Module.__init__(self)})
    )
    assert OPERATIONS["test_op"].summary == ""


def test_a_builder_may_give_a_function_of_a_batch():
    operation("test_op")(lambda shape: torch.tanh)
    x = torch.randn(2, 3)
    assert torch.equal(build("test_op", {}, (3,))(x), torch.tanh(x))
    assert profile("test_op", {}, (3,)).shape == (3,)


@pytest.mark.parametrize("name", ["conv", "attention", "nn.Conv2d", "nn.Bilinear"])
def test_a_built_in_name_is_refused(name):
    with pytest.raises(ValueError, match="is built in") as caught:
        operation(name)(lambda shape: nn.Identity())
    assert str(caught.value) == f"operation {name!r} is built in: give yours another name"


@pytest.mark.parametrize("name", ["", "two words", "1st", "a->b", "back\\slash", "new\nline", None, 3])
def test_a_name_that_no_file_should_bear_is_refused(name):
    with pytest.raises(ValueError, match="a letter first"):
        operation(name)


def test_defining_it_again_in_the_same_place_replaces_it_and_its_profiles():
    def define(width: int) -> None:
        @operation("test_op")
        def builder(shape):
            return nn.Linear(shape[0], width)

    for width in (2, 5):
        define(width)
        assert profile("test_op", {}, (3,)).shape == (width,)


# --- loading


def test_a_file_registers_its_operations_and_may_be_loaded_again(tmp_path):
    code = write(tmp_path, SCALE)
    assert load_operations(code) == load_operations(code) == ("scale",)
    assert OPERATIONS["scale"].origin == code
    assert torch.equal(build("scale", {"factor": 3.0}, (2,))(torch.ones(1, 2)), torch.full((1, 2), 3.0))
    write(
        tmp_path,
        SCALE.replace("factor * x", "torch.cat((x, x), 1)").replace(
            "import bsngraph", "import bsngraph, torch"
        ),
    )
    load_operations(code)
    assert profile("scale", {}, (2,)).shape == (4,), "the new text counts, whatever was cached"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.py"], "nothing is written beside it"


def test_an_installed_module_registers_its_operations_also_when_it_was_imported_before(tmp_path, monkeypatch):
    write(tmp_path, "", "__init__.py")
    package = tmp_path / "test_pack"
    package.mkdir()
    write(package, "from test_pack import inner", "__init__.py")
    write(package, SCALE, "inner.py")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_operations("test_pack") == load_operations("test_pack") == ("scale",)
    write(package, "import no_such_thing", "broken.py")
    inside = package / "broken.py"
    assert (
        refused("test_pack.broken")
        == f"{inside}, line 1: ModuleNotFoundError: No module named 'no_such_thing'"
    )
    write(package, "def broken(:", "syntax.py")
    assert refused("test_pack.syntax") == f"{package / 'syntax.py'}, line 1: SyntaxError: invalid syntax"
    assert refused("test_pack.absent").startswith("there is no installed module 'test_pack.absent'")


def test_a_module_that_the_program_has_imported_itself_is_found(tmp_path, monkeypatch):
    write(tmp_path, SCALE, "test_single.py")
    monkeypatch.syspath_prepend(tmp_path)
    import test_single  # noqa: F401

    assert load_operations("test_single") == ("scale",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\nimport torchvisio\n", "line 2: ModuleNotFoundError: No module named 'torchvisio'"),
        ("x = 1\ndef broken(:\n", "line 2: SyntaxError: invalid syntax"),
        ("\n\n1 / 0\n", "line 3: ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)\n", "line 2: SystemExit: 3"),
        ("def f():\n    return {}['a']\nf()\n", "line 2: KeyError: 'a'"),
        (
            SCALE.replace("'scale'", "'conv'"),
            "line 2: ValueError: operation 'conv' is built in: give yours another name",
        ),
        (
            SCALE.replace("factor: float", "key: float"),
            "line 2: ValueError: operation 'scale': key cannot be an argument, it means something else on "
            "an edge",
        ),
        (
            SCALE.replace("*, ", ""),
            "line 2: TypeError: operation 'scale': parameter 'factor' must be keyword-only (put a * "
            "before it)",
        ),
        (
            SCALE.replace(": float", ""),
            "line 2: TypeError: operation 'scale': argument 'factor' must be annotated bool, int, float, "
            "str or Literal of strings, "
            "not <class 'inspect._empty'>",
        ),
        (SCALE + "1 / 0\n", "line 6: ZeroDivisionError: division by zero"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(tmp_path, text, said):
    code = write(tmp_path, text)
    assert refused(code) == f"{code}, {said}"


def test_what_is_no_code_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refused("none.py") == "none.py: cannot be read (No such file or directory)"
    assert refused(str(tmp_path / "folder.d")).endswith(
        "folder.d: cannot be read (No such file or directory)"
    )
    write(tmp_path, "digraph {}", "fabric.dot")
    assert (
        refused("./fabric.dot")
        == "fabric.dot is no Python file: operations come from --ops FILE.py, or --ops MODULE for an "
        "installed module"
    )
    assert (
        refused("no_such_module")
        == "there is no installed module 'no_such_module': install it, or name a file: --ops FILE.py"
    )
    assert refused("fabric.dot").startswith("there is no installed module 'fabric.dot'")
    assert refused("..relative").startswith("there is no installed module '..relative'")
    assert (
        refused("json")
        == "json registers no operation: put @bsngraph.operation(NAME) before a function or an nn.Module "
        "class"
    )
    empty = write(tmp_path, "x = 1\n")
    assert (
        refused(empty)
        == f"{empty} registers no operation: put @bsngraph.operation(NAME) before a function or an "
        "nn.Module class"
    )
    write(tmp_path, SCALE, "near.py")
    assert refused("near") == "there is no installed module 'near': did you mean --ops near.py?"


def test_two_files_with_the_same_name_of_operation_are_told_apart(tmp_path):
    first, second = write(tmp_path, SCALE, "first.py"), write(tmp_path, SCALE, "second.py")
    load_operations(first)
    assert (
        refused(second)
        == f"{second}, line 2: ValueError: operation 'scale' exists already in {first}: give yours "
        "another name"
    )


# --- mistakes in builders and forward passes


def failing(text: str, folder: Path) -> str:
    """Load an operation with that body; give what a fabric with it is refused for, file
    names shortened.
    """
    indented = "\n    ".join(text.splitlines())
    code = write(
        folder,
        "import bsngraph, torch\nfrom torch import nn\n@bsngraph.operation('test_op')\ndef "
        f"test_op(shape):\n    {indented}\n",
    )
    load_operations(code)
    return problem(folder).replace(code, "own.py")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('needs a vector')", "needs a vector"),
        (
            "return shape[7]",
            "cannot be built for an input of 4x8x8 (IndexError: tuple index out of range; own.py, line 5)",
        ),
        (
            "return lambda x: x + None",
            "cannot run on an input of 4x8x8 (TypeError: unsupported operand type(s) for +: 'Tensor' and "
            "'NoneType'; own.py, line 5)",
        ),
        ("return lambda x: {}['k']", "cannot run on an input of 4x8x8 (KeyError: 'k'; own.py, line 5)"),
        (
            "def f(x):\n    raise ValueError\nreturn f",
            "cannot run on an input of 4x8x8 (ValueError; own.py, line 6)",
        ),
        ("return 3", "gives no nn.Module but a value of type int"),
        ("return None", "gives no nn.Module but nothing"),
        ("return nn.Identity", "gives no nn.Module but a value of type type"),
        ("return lambda x: (x, x)", "must give one tensor, but gives a value of type tuple"),
        ("return lambda x: None", "must give one tensor, but gives nothing"),
        ("return lambda x: x.sum()", "must keep examples apart, but gives a single number for a whole batch"),
        (
            "return lambda x: x.mean(0)",
            "must keep examples apart, but a batch of 3 gives 4x8x8 and one of 1 4x8x8",
        ),
        (
            "return lambda x: x.sum(0, keepdim=True)",
            "must keep examples apart, but a batch of 3 gives 1x4x8x8 and one of 1 1x4x8x8",
        ),
        (
            "return lambda x: x.squeeze(0)",
            "must keep examples apart, but a batch of 3 gives 3x4x8x8 and one of 1 4x8x8",
        ),
        ("return lambda x: x[:, :0]", "leaves nothing of an input of 4x8x8: its result is 0x8x8"),
    ],
)
def test_a_mistake_in_an_operation_is_a_problem_of_the_fabric(tmp_path, body, said):
    assert failing(body, tmp_path) == f"test_op {said}"


def test_looking_at_values_is_a_problem_too(tmp_path):
    assert failing("return lambda x: x if x.sum() > 0 else -x", tmp_path).startswith(
        "test_op cannot run on an input of 4x8x8 ("
    )
    assert "own.py, line 5" in failing("return lambda x: x * torch.ones(1).item()", tmp_path)


def test_tensors_made_in_builder_and_forward_are_on_the_right_device(tmp_path):
    body = "scale = torch.ones(shape)\nreturn lambda x: x * torch.arange(shape[-1]) * scale.to(x.device)"
    code = write(
        tmp_path,
        "import bsngraph, torch\n@bsngraph.operation('test_op')\ndef test_op(shape):\n    "
        f"{body.replace(chr(10), chr(10) + '    ')}\n",
    )
    load_operations(code)
    assert profile("test_op", {}, (2, 3)).shape == (2, 3)
    assert build("test_op", {}, (2, 3))(torch.ones(1, 2, 3)).tolist() == [[[0, 1, 2], [0, 1, 2]]]


# --- counting


class Recurrent(nn.Module):
    """The last state of an LSTM or a GRU over a sequence."""

    def __init__(self, shape, kind):
        super().__init__()
        self.layer = kind(shape[1], 5, batch_first=True)

    def forward(self, x):
        return self.layer(x)[0][:, -1]


@pytest.mark.parametrize(
    ("builder", "macs", "uncounted"),
    [
        (lambda shape: Recurrent(shape, nn.LSTM), 10 * 4 * 5 * (4 + 5), ()),
        (lambda shape: Recurrent(shape, nn.GRU), 10 * 3 * 5 * (4 + 5), ()),
        (lambda shape: lambda x: nn.functional.scaled_dot_product_attention(x, x, x), 2 * 10 * 10 * 4, ()),
        (lambda shape: lambda x: torch.einsum("bld,bmd->blm", x, x), 10 * 10 * 4, ()),
        (lambda shape: lambda x: torch.fft.rfft(x).abs(), 0, ("aten._fft_r2c",)),
        (lambda shape: lambda x: torch.cdist(x, x), 0, ("aten._cdist_forward",)),
        (lambda shape: lambda x: torch.sort(x @ x.mT).values, 10 * 10 * 4, ("aten.sort",)),
        (lambda shape: lambda x: (x * 2).add_(1).clamp_(max=1).cumsum(1), 0, ()),
    ],
)
def test_what_the_counter_does_not_know_is_named_and_the_rest_is_counted(builder, macs, uncounted):
    operation("test_op")(lambda shape: builder(shape))
    found = profile("test_op", {}, (10, 4))
    assert (found.macs, found.uncounted) == (macs, uncounted)


# --- the command line


def check(*arguments: str):
    return CliRunner().invoke(cli, ["check", *arguments])


def ops(*arguments: str):
    return CliRunner().invoke(cli, ["ops", *arguments])


def test_check_names_what_is_not_counted(tmp_path):
    code = write(
        tmp_path,
        "import bsngraph, torch\n@bsngraph.operation('fourier')\ndef fourier(shape):\n    return lambda "
        "x: torch.fft.fft2(x).abs()\n",
    )
    fabric = write(tmp_path, FABRIC % "fourier", "fabric.dot")
    text = check(fabric, "--ops", code)
    assert text.exit_code == 0
    assert (
        "not counted: aten._fft_c2c in fourier on a->y#0: the macs of these edges may be too small\n"
        in text.output
    )
    facts = json.loads(check(fabric, "--ops", code, "--format", "json").output)
    assert facts["uncounted"] == [{"operator": "aten._fft_c2c", "op": "fourier", "edges": ["a->y#0"]}]
    plain = json.loads(check(str(ROOT / "fabrics/digits.dot"), "--format", "json").output)
    assert plain["uncounted"] == []


def test_ops_lists_all_operations_with_their_arguments():
    listed = ops()
    assert listed.exit_code == 0
    for name, entry in OPERATIONS.items():
        start = (
            f"\n    {name}("
            if name.startswith("nn.")
            else f"\n{name}: {entry.summary}\n    when   {entry.when}\n    sizes  {entry.sizes}\n"
        )
        assert start in listed.output
    assert "\n      kernel: odd int 1..255 = 3 " in listed.output
    facts = json.loads(ops("--format", "json").output)["operations"]
    assert [fact["name"] for fact in facts] == list(OPERATIONS)
    channels = next(fact for fact in facts if fact["name"] == "conv")["arguments"][0]
    assert channels == {
        "name": "channels",
        "type": "int",
        "choices": None,
        "low": 1,
        "high": 65536,
        "odd": False,
        "required": True,
        "default": None,
        "help": "outgoing channels",
    }


def test_ops_of_ones_own_are_listed_after_the_others(tmp_path):
    code = write(tmp_path, SCALE)
    listed = ops("--ops", code)
    assert listed.exit_code == 0
    assert f"Operations of {code}.\n\nscale: Times.\n      factor: float = 2.0\n" in listed.output


def test_check_wants_a_fabric_and_code_for_ops():
    assert check().exit_code == 2
    assert "Missing argument 'FABRIC'" in check().output
    both = check(str(ROOT / "fabrics/digits.dot"), "--ops")
    assert (both.exit_code, "'--ops' requires an argument" in both.output) == (2, True), both.output


@pytest.mark.parametrize(
    "command",
    [
        "check FABRIC",
        "search FABRIC --data digits --out OUT",
        "train FABRIC --data digits --out OUT",
        "prune RUN --out OUT",
        "evaluate RUN",
        "verify RUN",
        "explain RUN",
        "ops",
        "render FABRIC -o OUT.dot",
    ],
)
def test_every_command_loads_ops_and_refuses_bad_ones(tmp_path, command):
    bad = write(tmp_path, "import torchvisio\n")
    words = [
        word.replace("OUT", str(tmp_path / "out")).replace(
            "FABRIC", write(tmp_path, FABRIC % "identity", "f.dot")
        )
        for word in command.split()
    ]
    result = CliRunner().invoke(cli, [*words, "--ops", bad])
    assert (result.exit_code, result.output) == (
        2,
        f"Error: {bad}, line 1: ModuleNotFoundError: No module named 'torchvisio'\n",
    )
    assert not (tmp_path / "out").exists()


def test_render_draws_operations_of_the_user_s(tmp_path):
    fabric, out = write(tmp_path, FABRIC % "scale", "fabric.dot"), tmp_path / "out.dot"
    code = write(tmp_path, SCALE)
    result = CliRunner().invoke(cli, ["render", fabric, "-o", str(out), "--ops", code])
    assert result.exit_code == 0, result.output
    assert "scale" in out.read_text()


def test_without_ops_a_user_s_operation_is_unknown(tmp_path):
    result = check(write(tmp_path, FABRIC % "scale", "fabric.dot"))
    assert result.exit_code == 2
    assert "unknown operation 'scale'" in result.output
