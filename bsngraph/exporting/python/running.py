"""An exported folder of Python, loaded again.

Loading executes code, and a folder may be a stranger's. The source is a function of the
graph and of what the run says of data and answers, which reading never executes. So it
is written again from the run's files in the folder: if the folder's files are these
texts, byte for byte, the texts are executed. Else a person decides, by --trust.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from bsngraph.errors import InputError
from bsngraph.exporting.engine import TorchEngine
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.python.source.model_source import WEIGHTS
from bsngraph.exporting.python.writing import MODEL_FILE_PY, code_files, python_source
from bsngraph.ops.user_code.running_code import failure, running_users_code
from bsngraph.whole_files import check_regular, read_bounded

_MOST = 64 * 2**20


def load_python(folder: Path, package: ExportPackage, trusted: bool) -> TorchEngine:
    """The engine of a folder that `write_python` wrote.

    Raises:
        InputError: a file is missing; the folder is not trusted and its code is not
            what is written for its run; code or weights of a trusted one fail.
    """
    source, copied = python_source(package, include_ops=True)
    texts = checked_texts(folder, code_files(source, copied), trusted=trusted)
    return loaded_engine(folder, package, texts, source.class_name)


def checked_texts(folder: Path, written: Mapping[str, str], *, trusted: bool) -> dict[str, str]:
    """The texts to execute: the folder's own if it is trusted, else those written for
    its run, which the folder's must be.

    Raises:
        InputError: a file is missing, or is another.
    """
    texts = {}
    for name, text in written.items():
        path = folder / name
        found = read_bounded(path, _MOST, "which no such file is")
        if not trusted and found != text.encode():
            raise InputError(
                f"{path}: is not what this version of bsngraph writes for its run, and loading it would "
                "execute it: use --trust if it is yours"
            )
        texts[name] = _decoded(path, found) if trusted else text
    return texts


def loaded_engine(
    folder: Path, package: ExportPackage, texts: Mapping[str, str], class_name: str
) -> TorchEngine:
    """The network of executed texts, with the folder's weights.

    Raises:
        InputError: code or weights fail.
    """
    with _executed(folder, texts) as module:
        made = getattr(module, class_name, None)
        if not (isinstance(made, type) and issubclass(made, nn.Module)):
            raise InputError(f"{folder / MODEL_FILE_PY}: has no class {class_name}: export the run again")
        with _told(folder / MODEL_FILE_PY):
            network = made()
    weights = folder / WEIGHTS
    check_regular(weights)
    try:
        network.load_state_dict(load_file(weights))
    except (SafetensorError, RuntimeError, OSError) as error:
        what = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{weights}: does not fit model.py ({what}): export the run again") from None
    return TorchEngine(network.eval(), package.network.inputs)


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text in UTF-8: export the run again") from None


@contextmanager
def _executed(folder: Path, texts: Mapping[str, str]) -> Iterator[ModuleType]:
    """The last of the texts as a module, which imports those before it by their
    names.
    """
    before = {Path(name).stem: sys.modules.get(Path(name).stem) for name in texts}
    module = ModuleType("model")
    try:
        for name, text in texts.items():
            module = ModuleType(Path(name).stem)
            module.__file__ = str(folder / name)
            sys.modules[module.__name__] = module
            with _told(folder / name):
                exec(compile(text, module.__file__, "exec"), module.__dict__)  # noqa: S102
        yield module
    finally:
        for stem, other in before.items():
            if other is None:
                sys.modules.pop(stem, None)
            else:
                sys.modules[stem] = other


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Run what may be the user's own code, and tell where it failed."""
    try:
        with running_users_code():
            yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(failure(error, str(path))) from error
