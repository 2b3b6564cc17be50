"""`python -m bsngraph`: the command line, also as one of several processes of a search,
`torchrun --nproc-per-node 2 -m bsngraph search … --shards 2`.

The first process alone prints. Another one that fails waits before it says why: if the
first fails for the same reason, whoever started them ends all meanwhile, and the
message is there once.
"""

from __future__ import annotations

import io
import sys
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout

from bsngraph.cli.process import INTERRUPTED, main
from bsngraph.errors import InputError
from bsngraph.parallel.launch import launch_here

_WAIT_S = 3.0
_SHARED = "search"


def _run() -> None:
    try:
        launch = launch_here()
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    if launch.size > 1 and words[:1] not in ([], [_SHARED]):
        if launch.first:
            said = f"{launch.size} processes can only share a {_SHARED}: run {words[0]} without torchrun"
            print(f"Error: {said}", file=sys.stderr)
        sys.exit(2)
    if launch.first:
        main()
    else:
        _run_silently(launch.rank)


def _run_silently(rank: int) -> None:
    """Run the command line, and print nothing but why it failed."""
    said = io.StringIO()
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(said):
            main()
    except SystemExit as end:
        if end.code in (0, None, INTERRUPTED):
            raise
        _say_late(rank, said.getvalue())
        raise
    except BaseException:
        _say_late(rank, said.getvalue() + traceback.format_exc())
        sys.exit(1)


def _say_late(rank: int, text: str) -> None:
    time.sleep(_WAIT_S)
    print(f"process {rank}: {text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    _run()
