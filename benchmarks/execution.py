"""Sampled execution against dense-and-mask: seconds and peak memory of a full training step.

A step is sampling, live edges, forward, backward, costs, the policy gradient and both optimizers. The two ways are measured in turn in
one run, and the median of the ratios is reported.

    python benchmarks/execution.py [--device cuda] [--repeats 7]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from dense_reference import DenseMasked
from torch.nn import functional

from bsngraph.costs import profile_fabric
from bsngraph.fabric import Fabric
from bsngraph.fabric.families import cnf_fabric, resnet_fabric
from bsngraph.supernet import SuperNet, compile_fabric

BATCH = 64
PROBABILITIES = (0.95, 0.75, 0.5, 0.2)


def fabrics() -> dict[str, Fabric]:
    return {
        "ResNet Fabric 3x3, 16/32/64": resnet_fabric(input_shape=(3, 32, 32), classes=10),
        "CNF, 6 layers, 16 channels": cnf_fabric(input_shape=(3, 32, 32), classes=10, layers=6, channels=16),
    }


class Steps:
    """One network with its data and optimizers; `sampled` and `dense` are one training step each."""

    def __init__(self, fabric: Fabric, device: torch.device, probability: float, *, channels_last: bool) -> None:
        profile = profile_fabric(fabric)
        self.device = device
        self.macs = profile.macs
        self.fixed = np.array([edge.fixed for edge in fabric.edges])
        self.net = self._net(profile.fabric, channels_last)
        self.reference = DenseMasked(self._net(profile.fabric, False))
        self.optimizers = {id(net): torch.optim.SGD(net.parameters(), lr=1e-6, momentum=0.9) for net in (self.net, self.reference)}
        self.inputs = torch.randn(BATCH, 3, 32, 32, device=device)
        self.fast_inputs = self.inputs.to(memory_format=torch.channels_last) if channels_last else self.inputs
        self.labels = torch.randint(10, (BATCH,), device=device)
        self.gamma = torch.full((len(fabric.edges),), probability, dtype=torch.float64)
        self.gamma[torch.from_numpy(self.fixed)] = 1.0

    def _net(self, fabric: Fabric, channels_last: bool) -> SuperNet:
        net = compile_fabric(fabric, seed=0).to(self.device)
        return net.to(memory_format=torch.channels_last) if channels_last else net

    def sampled(self) -> None:
        kept = (torch.rand(BATCH, len(self.gamma), dtype=torch.float64) < self.gamma).numpy()
        route = self.net.route(kept, self.device)
        losses = functional.cross_entropy(self.net(self.fast_inputs, route), self.labels, reduction="none")
        self._update(self.net, losses)
        objective = losses.detach().cpu().double() + torch.from_numpy(route.live @ self.macs / self.macs.sum())
        self._policy_gradient(torch.from_numpy(kept), objective)

    def dense(self) -> None:
        gamma = self.gamma.to(self.device)
        kept = torch.rand(BATCH, len(gamma), dtype=torch.float64, device=self.device) < gamma
        live = self.reference.live(kept)
        losses = functional.cross_entropy(self.reference(self.inputs, live), self.labels, reduction="none")
        self._update(self.reference, losses)
        costs = live.double() @ torch.from_numpy(self.macs).to(self.device) / self.macs.sum()
        self._policy_gradient(kept.cpu(), (losses.detach().double() + costs).cpu())

    def _update(self, net: torch.nn.Module, losses: torch.Tensor) -> None:
        if losses.requires_grad:  # not so where no example of the batch reaches the target
            self.optimizers[id(net)].zero_grad()
            losses.mean().backward()
            self.optimizers[id(net)].step()

    def _policy_gradient(self, kept: torch.Tensor, objective: torch.Tensor) -> torch.Tensor:
        advantage = (objective - objective.mean()) * BATCH / (BATCH - 1)
        return advantage @ (kept.double() - self.gamma) / BATCH


def seconds(step: Callable[[], None], device: torch.device) -> float:
    started = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def peak_mib(step: Callable[[], None]) -> float:
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    step()
    return torch.cuda.max_memory_allocated() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--layout", choices=["contiguous", "channels_last"], default="channels_last")
    options = parser.parse_args()
    device = torch.device(options.device)
    where = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"batch {BATCH}, {where}, torch {torch.__version__}, sampled in {options.layout}, dense contiguous\n")
    memory = " peak MiB dense | peak MiB sampled |" if device.type == "cuda" else ""
    print(f"| fabric | p | live share | dense ms | sampled ms | ratio |{memory}\n|---|---|---|---|---|---|{'---|---|' if memory else ''}")
    for name, fabric in fabrics().items():
        for probability in PROBABILITIES:
            torch.manual_seed(0)
            steps = Steps(fabric, device, probability, channels_last=options.layout == "channels_last")
            kept = np.random.default_rng(0).random((4096, len(fabric.edges))) < steps.gamma.numpy()
            live = steps.net.route(kept).live @ steps.macs / steps.macs.sum()
            for _ in range(2):
                steps.dense()
                steps.sampled()
            pairs = [(seconds(steps.dense, device), seconds(steps.sampled, device)) for _ in range(options.repeats)]
            ratio = statistics.median(dense / sampled for dense, sampled in pairs)
            dense, sampled = (1000 * statistics.median(times) for times in zip(*pairs, strict=True))
            more = f" {peak_mib(steps.dense):.0f} | {peak_mib(steps.sampled):.0f} |" if memory else ""
            print(f"| {name} | {probability} | {live.mean():.2f} | {dense:.1f} | {sampled:.1f} | {ratio:.2f} |{more}", flush=True)


if __name__ == "__main__":
    main()
