"""The entry point: how the program meets its process, its streams, Ctrl-C and Python's
garbage collector.

Nothing is imported here that takes time, so that Ctrl-C ends the program with 130, and
without a traceback, while everything else is still being imported.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import TextIO

INTERRUPTED = 130

# How many new objects the garbage collector waits for. Importing torch makes hundreds
# of thousands that stay; if it looked among them after every 700, as Python has it,
# that would be a tenth of a start.
_NEW_OBJECTS = 10_000


def main() -> None:
    """Run the command line, and end with its exit code."""
    gc.set_threshold(_NEW_OBJECTS)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # and not ignored
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from bsngraph.cli.main import cli

        cli()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:  # of a stream: click's own --help and errors
        with suppress(OSError):
            print(f"Error: {error.strerror}", file=sys.stderr)
        sys.exit(1)
    finally:
        for stream in (sys.stdout, sys.stderr):
            _let_go(stream)
        gc.freeze()  # the memory goes as a whole: Python need not look for garbage in it


def lenient_streams() -> None:
    """Let stdout and stderr take every character: what their encoding lacks is written
    as `?`. A stream that was closed takes everything and keeps nothing.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  (until the end)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Unwind at the first Ctrl-C; at the second, end where we are."""
    signal.signal(signal.SIGINT, _end)
    raise KeyboardInterrupt


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)


def _let_go(stream: TextIO | None) -> None:
    """Write what is left for a stream; what a full or closed one does not take is lost,
    or Python would end with an error of its own.
    """
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), stream.fileno())  # type: ignore[union-attr]
