"""Servers that processes are copied from: one for some workers alone, or one that was
started ahead, before there was work, and serves whoever opens workers meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from bsngraph.parallel.engines import inside_worker

if TYPE_CHECKING:
    from bsngraph.parallel.starting.copying import CopyServer

# Those started ahead, with what ends each; the last one is the innermost.
_AHEAD: list[tuple[CopyServer, ExitStack]] = []


@contextmanager
def server_ahead(modules: Sequence[str]) -> Iterator[None]:
    """As long as the block lasts, workers whose tasks need no more than `modules` are
    copies of one server, which begins to import them now.

    Nothing is started inside a worker, where processes are not copied, and where a
    server is there already.
    """
    if inside_worker() or _ahead_for(modules) is not None:
        yield
        return
    with ExitStack() as ends:
        folder = Path(mkdtemp(prefix="bsngraph-"))
        ends.callback(rmtree, folder, ignore_errors=True)
        server = _started(modules, folder)
        if server is not None:
            ends.callback(server.close)
            _AHEAD.append((server, ends))
            ends.callback(_forget, server)
        yield


def end_servers_ahead() -> None:
    """End the servers that were started ahead: nobody will be copied."""
    for _, ends in reversed(tuple(_AHEAD)):
        ends.close()


def server_for(modules: Sequence[str], folder: Path, ends: ExitStack) -> CopyServer | None:
    """The server that workers are copies of, which has imported `modules`; None where
    they start afresh. One of their own works in `folder`, and ends with `ends`.
    """
    found = _ahead_for(modules)
    if found is None:
        found = _started(modules, folder)
        if found is not None:
            ends.callback(found.close)
    return found


def _ahead_for(modules: Sequence[str]) -> CopyServer | None:
    found = (server for server, _ in reversed(_AHEAD) if server.modules.issuperset(modules))
    return next(found, None)


def _forget(server: CopyServer) -> None:
    _AHEAD[:] = [(one, ends) for one, ends in _AHEAD if one is not server]


def _started(modules: Sequence[str], folder: Path) -> CopyServer | None:
    """A server of its own; None where processes are not copied, or the path of `folder`
    is too long to ask it.
    """
    if sys.platform != "linux":
        return None
    from bsngraph.parallel.starting.copying import CopyServer

    try:
        return CopyServer(modules, folder)
    except OSError:
        return None
