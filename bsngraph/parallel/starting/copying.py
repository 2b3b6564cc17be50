"""Processes that begin as copies of one that has imported already what tasks need.

A process that starts afresh imports torch and much else, some seconds of processor time
each. Here one process, the server, does so once and is copied. It computes nothing, so
it has no pool of threads that a copy would wait for in vain. Only Linux copies safely
what its own libraries set up.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import current_process, forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from bsngraph.parallel.starting import preloading
from bsngraph.parallel.starting.spawning import interrupts_held_back, script_left_out


class CopyServer:
    """The process that is copied, which imports `modules` first. It is one of Python's
    own fork servers beside that of the caller, and deaf to Ctrl-C, as its copies are.

    `folder` is where it is asked, and where it says that it is ready. If the caller
    dies first, the server ends too and removes it.

    Raises:
        OSError: the folder's path is too long for that.
    """

    def __init__(self, modules: Sequence[str], folder: Path) -> None:
        self.modules = frozenset(modules)
        self._folder, self._ready = str(folder), folder / "ready"
        self._server: Any = forkserver.ForkServer()
        self._server.set_forkserver_preload([preloading.__name__])
        self._environment = {
            preloading.MODULES: ",".join(modules),
            preloading.READY: str(self._ready),
            "OMP_NUM_THREADS": "1",
            # the caller's packages, and nothing that lies in the folder it stands in
            "PYTHONSAFEPATH": "1",
            "PYTHONPATH": os.pathsep.join(
                [str(Path(__file__).parents[3]), *filter(None, [os.environ.get("PYTHONPATH")])]
            ),
        }
        self.ensure_running()

    @property
    def ready(self) -> bool:
        """Whether it can be copied at once."""
        return self._ready.exists()

    def ensure_running(self) -> None:
        """Start it, unless it runs."""
        with _environment(self._environment), _sockets_in(self._folder), interrupts_held_back():
            self._server.ensure_running()

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Python's processes are copies of this one, as long as the block lasts."""
        self.ensure_running()
        theirs = forkserver.connect_to_new_process
        forkserver.connect_to_new_process = self._server.connect_to_new_process
        try:
            yield
        finally:
            forkserver.connect_to_new_process = theirs

    def context(self) -> CopyingContext:
        """How a pool makes its processes: as copies of this one."""
        return CopyingContext(self)

    def close(self) -> None:
        """End it, whatever it does; its copies have ended."""
        os.kill(self._server._forkserver_pid, signal.SIGKILL)
        self._server._stop()


class CopiedProcess(ForkServerProcess):
    """A copy of a server, without the caller's script."""

    def __init__(self, server: CopyServer, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._server = server

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_server"}

    def start(self) -> None:
        with script_left_out(), self._server.asked():
            super().start()


class CopyingContext(ForkServerContext):
    """How a pool makes copies of a server; `started` are those it made."""

    def __init__(self, server: CopyServer) -> None:
        super().__init__()
        self._server = server
        self.started: list[CopiedProcess] = []

    def Process(self, *given: Any, **named: Any) -> CopiedProcess:  # type: ignore[override]  # noqa: N802
        self.started.append(CopiedProcess(self._server, *given, **named))
        return self.started[-1]


@contextmanager
def _sockets_in(folder: str) -> Iterator[None]:
    """Python makes its sockets in `folder`, where its own folder would outlive us."""
    config: dict[str, Any] = vars(current_process())["_config"]
    before = config.get("tempdir")
    config["tempdir"] = folder
    try:
        yield
    finally:
        config["tempdir"] = before


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
