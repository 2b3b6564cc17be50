"""A search on several processes: what the first one tells the others, and what these
do.

The first process reads, measures, checks, writes, chooses and trains finalists. The
others learn along with it, each with its shards of every batch and of the validation
data, and judge their share of the candidates; they then wait for the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from bsngraph.errors import InputError
from bsngraph.fabric import Fabric
from bsngraph.fabric.writing.fabric_to_dot import fabric_to_dot
from bsngraph.measure import Hardware, LatencyTable, find_hardware
from bsngraph.parallel.launch import Launch, launch_here
from bsngraph.profile import FabricProfile
from bsngraph.runs import Json
from bsngraph.searching.choosing.candidate import judge_along
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.learning.joint_step import MOST_GATHERED, gathers_all
from bsngraph.searching.learning.learn import learn_along
from bsngraph.searching.prepare import Job, prepare
from bsngraph.searching.request import Destination, Goal, Method
from bsngraph.supernet import compile_fabric, prune
from bsngraph.training import Progress, Silent
from bsngraph.training.shards.meeting import has_begun, team_of, tell_begun
from bsngraph.training.shards.team import ALONE, Team


@dataclass(frozen=True, eq=False)
class Sharing:
    """The processes of a search, and how this one was started."""

    launch: Launch
    team: Team

    def at_attempt(self, into: Destination) -> Destination:
        """Where to write: the run that an attempt before this one began goes on."""
        return replace(into, mode="resume") if has_begun(self.launch, _key(into)) else into

    def begun(self, into: Destination) -> None:
        """The run folder is there: after a restart it is gone on with."""
        tell_begun(self.launch, _key(into))

    def tell(self, job: Job, progress: Progress) -> None:
        """Tell the others what to work on.

        Raises:
            RunFailedError: one of them ended, as its data or its options are others.
        """
        if self.team.size == 1:
            return
        shards = job.settings.shards
        if not gathers_all(int(job.profile.params.sum()), shards):
            progress.note(
                f"gradients of {shards} shards take more than {MOST_GATHERED >> 20} MiB: each process adds "
                "up those of its own first, so the last bits depend on the number of processes"
            )
        self.team.from_first((_facts(job), job.latencies))

    def tell_learning(self, learns: bool) -> None:
        """Tell the others whether there is anything to learn."""
        self.team.from_first(learns)

    def tell_chosen(self) -> None:
        """Tell the others that no more candidates are judged."""
        self.team.from_first()

    def tell_result(self, result: Result) -> Result:
        """Tell the others what was found, and give it back."""
        self.team.from_first((result.run, result.architecture, result.net.state_dict(), result.summary))
        return result


#: A search in this process alone.
UNSHARED = Sharing(Launch(), ALONE)


@contextmanager
def sharing(method: Method, hardware: Hardware) -> Iterator[Sharing]:
    """The processes that share a search's batches, as long as it takes.

    Raises:
        InputError: the shards do not divide by the processes.
        RunFailedError: the others did not come.
    """
    shards = method.settings.shards
    launch = _launch(shards)
    if shards % launch.size:
        raise InputError(
            f"{launch.size} processes cannot have as many of --shards {shards} each: give a multiple of "
            f"{launch.size}"
        )
    with team_of(launch, hardware.device) as team:
        yield Sharing(launch, team)


def shared_hardware(method: Method, device: str, threads: int | None, workers: int | None) -> Hardware:
    """Where this process of a search runs; one of several has one thread by default.

    Raises:
        InputError: there is no such device here, or none for this process.
    """
    launch = _launch(method.settings.shards)
    threads = 1 if threads is None and launch.size > 1 else threads
    hardware = find_hardware(own_device(launch, device), threads, workers)
    return replace(hardware, together=launch.local_size)


def _launch(shards: int) -> Launch:
    """How this process was started, if others may take part in the search."""
    return launch_here() if shards > 1 else Launch()


def own_device(launch: Launch, name: str) -> str:
    """The device of one of several processes: each has a GPU of its own, which is
    `cuda` to it.

    Raises:
        InputError: one GPU is named for all, or there are fewer than processes.
    """
    if launch.size == 1 or name == "cpu" or not (torch.cuda.is_available() or name.startswith("cuda")):
        return name
    if name not in ("auto", "cuda"):
        raise InputError(f"--device {name} is one for {launch.size} processes: give cuda, each has its own")
    if launch.local_rank >= torch.cuda.device_count():
        raise InputError(
            f"process {launch.local_rank} of this machine has no GPU, there are {torch.cuda.device_count()}: "
            "start as many processes, or give --device cpu"
        )
    torch.cuda.set_device(launch.local_rank)
    return "cuda"


def take_part(
    shared: Sharing,
    fabric: Fabric | FabricProfile,
    goal: Goal,
    method: Method,
    hardware: Hardware,
    into: Destination,
) -> Result:
    """What all processes but the first do in a search; the result is the first one's.

    Raises:
        InputError: data or options are not those of the first process.
        RunFailedError: another process ended.
    """
    facts, latencies = shared.team.from_first()
    method = replace(method, weights=None)  # those come with the first one's state
    job = prepare(fabric, _priced(goal, latencies), method, hardware, into, Silent())
    mine = _facts(job)
    differing = [name for name, value in facts.items() if mine[name] != value]
    if differing:
        raise InputError(
            f"{', '.join(differing)} of this process and of the first one differ: every process needs the "
            "same command, files and versions"
        )
    with hardware.in_use():
        if shared.team.from_first():
            learned = learn_along(job, shared.team)
            judge_along(shared.team, learned.net, job.dataset, job.task)
    run, architecture, weights, summary = shared.team.from_first()
    net = compile_fabric(prune(job.profile, architecture)).to(job.device)
    net.load_state_dict(weights)
    return Result(run, architecture, net, summary)


def _facts(job: Job) -> Json:
    """What must be the same in all processes, by the name that an error gives it."""
    return {
        "fabric": fabric_to_dot(job.profile.annotated()),
        "data": job.dataset.fingerprint(),
        "budgets": [(budget.text, budget.limit, budget.least) for budget in job.budgets],
        "recipe": job.recipe,
        "settings": job.settings,
        "seed": job.seed,
        "threads": job.hardware.threads,
        "torch": str(torch.__version__),
    }


def _priced(goal: Goal, latencies: LatencyTable | None) -> Goal:
    """The goal with the latencies that the first process found."""
    return goal if latencies is None else goal.priced_by(replace(goal.costs, latencies=latencies))


def _key(into: Destination) -> str:
    return str(into.folder.absolute())
