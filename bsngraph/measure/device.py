"""Where a network runs: the device, the threads, and torch set up for both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from bsngraph.errors import InputError
from bsngraph.parallel import Processes
from bsngraph.settings.kinds import check_kinds

MOST_THREADS = 4096  # as config.json holds; a million of them crash torch


@dataclass(frozen=True)
class Hardware:
    """A device that was found here, how many CPU threads torch may use, and how many
    processes short trainings may run in; None leaves that number to the trainings.

    `together` processes of this machine share the work, each with its threads. While
    one of them has networks trained the others wait, and their threads are free.
    """

    device: torch.device
    threads: int
    workers: int | None = None
    together: int = 1

    def __post_init__(self) -> None:
        check_kinds(self)
        if not 1 <= self.threads <= MOST_THREADS:
            raise InputError(f"threads={self.threads} must be between 1 and {MOST_THREADS}")
        if self.workers is not None:
            Processes(self.workers)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Give torch its number of threads, and repeatable results on CUDA; afterwards
        all is as it was.
        """
        threads, cudnn = torch.get_num_threads(), torch.backends.cudnn
        benchmark, deterministic = cudnn.benchmark, cudnn.deterministic
        torch.set_num_threads(self.threads)
        cudnn.benchmark, cudnn.deterministic = False, True
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            cudnn.benchmark, cudnn.deterministic = benchmark, deterministic


def find_hardware(device: str = "auto", threads: int | None = None, workers: int | None = None) -> Hardware:
    """The device of that name, with torch's own number of threads unless one is given.

    Raises:
        InputError: there is no such device here, or no machine has so many threads or
            processes.
    """
    return Hardware(find_device(device), torch.get_num_threads() if threads is None else threads, workers)


def find_device(name: str) -> torch.device:
    """`auto` (CUDA where there is one, else the CPU), or a device by torch's name for
    it.

    Raises:
        InputError: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # made there and read back, which no value of `meta` can be
    except (RuntimeError, AssertionError, ImportError) as error:
        why = str(error).splitlines()[0]
        if why.startswith("Expected one of"):  # of twenty words, most of which are no device here
            why = "there is no device of that name; a GPU is called cuda"
        raise InputError(f"device {name!r} cannot be used here ({why}): use cpu, or auto") from None
    return device
