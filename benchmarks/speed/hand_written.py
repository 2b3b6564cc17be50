"""Our networks against modules written by hand: a training step with every edge on, and
the delivered network in evaluation.

ResNet-20 (every edge fixed) and the ResNet Fabric with all its edges, both as
`SuperNet` and as one would write them; same weights, same layout, same optimizer,
outputs compared before anything is timed. Delivered is what `deploy` gives, with
convolutions and norms folded or not. Ratios are over the hand-written module: below 1
is faster.

    python -m benchmarks hand-written [--quick] [--repeats 7] [--device cuda]
"""

from __future__ import annotations

from collections.abc import Callable

import click
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.shared.keeping import keep
from benchmarks.shared.measuring import in_turn, milliseconds, ratio
from benchmarks.shared.options import device_option, quick_option, repeats_of, repeats_option
from benchmarks.shared.tables import last_table
from bsngraph.fabric import Edge, Fabric
from bsngraph.fabric.families import plain_resnet_fabric, resnet_fabric
from bsngraph.supernet import SuperNet, compile_fabric, deploy, prune

INPUT, CLASSES, TRAINING_BATCH = (3, 32, 32), 10, 64
LAYOUTS = {"NCHW": torch.contiguous_format, "channels_last": torch.channels_last}
TABLES = {"training_all_on": last_table(), "delivered": last_table()}


def place(node: str) -> tuple[int, int]:
    """g2b3 → (1, 2); the stem is (−1, 0)."""
    return (-1, 0) if node == "stem" else (int(node[1]) - 1, int(node[3]) - 1)


class Block(nn.Module):
    def __init__(self, incoming: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(incoming, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))


def projection(incoming: int, channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(incoming, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))


class ResNet20(nn.Module):
    """He et al. 2015, for 32×32 images, with parameter-free shortcuts."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        widths = [(16, 16, 1)] * 3 + [
            (16, 32, 2),
            (32, 32, 1),
            (32, 32, 1),
            (32, 64, 2),
            (64, 64, 1),
            (64, 64, 1),
        ]
        self.blocks = nn.ModuleList(Block(*width) for width in widths)
        self.head = nn.Linear(64, CLASSES)

    def partner(self, edge: Edge) -> nn.Module:
        group, block = place(edge.target)
        return self.blocks[3 * group + block]

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm(self.stem(x)))
        for block in self.blocks:
            y = block(x)
            if y.shape != x.shape:
                x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
            x = functional.relu(y + x)
        return self.head(x.mean(dim=(2, 3)))


class AllOn(nn.Module):
    """The ResNet Fabric of three groups of three blocks, every edge on."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.blocks, self.projections = nn.ModuleDict(), nn.ModuleDict()
        for group, block, sources in self.plan():
            channels = 16 * 2**group
            for level, position in sources:
                incoming = 16 * 2 ** max(0, level)
                stride = 2 ** (group - max(0, level))
                name = f"{group}{block}from{level + 1}{position}"
                self.blocks[name] = Block(incoming, channels, stride)
                if (incoming, stride) != (channels, 1):
                    self.projections[name] = projection(incoming, channels, stride)
        self.head = nn.Linear(64, CLASSES)

    def partner(self, edge: Edge) -> nn.Module:
        (level, position), (group, block) = place(edge.source), place(edge.target)
        return (self.blocks if edge.op == "basic_block" else self.projections)[
            f"{group}{block}from{level + 1}{position}"
        ]

    @staticmethod
    def plan() -> list[tuple[int, int, list[tuple[int, int]]]]:
        """(group, block, its sources as (group, position)); (−1, 0) is the stem."""
        before = {0: (-1, 0), 1: (0, 2), 2: (1, 2)}
        steps = []
        for group in range(3):
            for block in range(3):
                sources = [(group, block - 1) if block else before[group]]
                if group:
                    positions = [2 - block] * (block > 0) + [1 - block] + [0 - block] * (block < 2)
                    sources += [
                        (group - 1, position) if position >= 0 else before[group - 1]
                        for position in positions
                    ]
                steps.append((group, block, sources))
        return steps

    def forward(self, x: Tensor) -> Tensor:
        values = {(-1, 0): functional.relu(self.norm(self.stem(x)))}
        for group, block, sources in self.plan():
            total = None
            for level, position in sources:
                name, value = f"{group}{block}from{level + 1}{position}", values[level, position]
                skip = self.projections[name](value) if name in self.projections else value
                new = self.blocks[name](value) + skip
                total = new if total is None else total + new
            values[group, block] = functional.relu(total)
        return self.head(values[2, 2].mean(dim=(2, 3)))


def pair(fabric: Fabric, hand: nn.Module) -> SuperNet:
    """The fabric with every edge on as a net of its own; the module written by hand
    gets its weights.
    """
    net = compile_fabric(prune(fabric, np.ones(len(fabric.edges), dtype=np.bool_)), seed=0)
    for edge, operation in zip(net.fabric.edges, net.operations, strict=True):
        if not operation.state_dict():
            continue
        if edge.op == "conv":
            partner: nn.Module = nn.Sequential(hand.stem, hand.norm)
        else:
            partner = hand.head if edge.op == "classifier" else hand.partner(edge)
        weights = operation.state_dict().values()
        partner.load_state_dict(dict(zip(partner.state_dict(), weights, strict=True)))
    assert sum(p.numel() for p in hand.parameters()) == sum(p.numel() for p in net.parameters())
    return net


def training_step(
    net: Callable[[Tensor], Tensor], parameters: list[nn.Parameter], inputs: Tensor, labels: Tensor
) -> Callable[[], None]:
    optimizer = torch.optim.SGD(parameters, lr=1e-6, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()

    return step


def inference(net: nn.Module, inputs: Tensor, times: int) -> Callable[[], None]:
    def run() -> None:
        with torch.inference_mode():
            for _ in range(times):
                net(inputs)

    return run


def training_row(
    name: str, layout: str, net: SuperNet, hand: nn.Module, repeats: int, device: str
) -> dict[str, object]:
    inputs = torch.randn(TRAINING_BATCH, *INPUT, device=device).to(memory_format=LAYOUTS[layout])
    labels = torch.randint(CLASSES, (TRAINING_BATCH,), device=device)
    route = net.route(np.ones((TRAINING_BATCH, len(net.fabric.edges)), dtype=np.bool_), device)
    assert torch.allclose(net.train()(inputs), hand.train()(inputs), rtol=1e-3, atol=1e-3)
    steps = [
        training_step(hand, list(hand.parameters()), inputs, labels),
        training_step(lambda x: net(x, route), list(net.parameters()), inputs, labels),
    ]
    theirs, ours = in_turn(steps, repeats, device, warm=2 if repeats < 7 else 10)
    times = {
        "hand-written ms": milliseconds(theirs),
        "ours ms": milliseconds(ours),
        "ratio": ratio(ours, theirs),
    }
    return {"network": name, "layout": layout, **times}


def delivered_row(
    name: str, layout: str, batch: int, net: SuperNet, hand: nn.Module, repeats: int, device: str
) -> dict[str, object]:
    inputs = torch.randn(batch, *INPUT, device=device).to(memory_format=LAYOUTS[layout])
    ways = [hand.eval(), deploy(net.eval(), fold=False), deploy(net), net]
    with torch.inference_mode():
        outputs = [way(inputs) for way in ways]
    assert all(
        torch.allclose(output, outputs[0], rtol=1e-3, atol=1e-3 * float(outputs[0].abs().max()))
        for output in outputs
    )
    times = 20 if batch == 1 else 1
    theirs, plain, folded, whole = in_turn(
        [inference(way, inputs, times) for way in ways], 3 * repeats, device
    )
    return {
        "network": name,
        "layout": layout,
        "batch": batch,
        "hand-written ms": milliseconds(theirs) / times,
        "deployed": ratio(plain, theirs),
        "deployed, folded": ratio(folded, theirs),
        "SuperNet": ratio(whole, theirs),
    }


@click.command("hand-written")
@quick_option
@repeats_option
@device_option
def command(quick: bool, repeats: int | None, device: str) -> None:
    """Measure our networks against modules written by hand.

    Example: python -m benchmarks hand-written --quick
    """
    rounds = repeats_of(repeats, quick=quick)
    torch.manual_seed(0)
    networks: list[tuple[str, Fabric, nn.Module]] = [
        ("ResNet-20", plain_resnet_fabric(input_shape=INPUT, classes=CLASSES, depth=20), ResNet20()),
        ("ResNet Fabric, every edge", resnet_fabric(input_shape=INPUT, classes=CLASSES), AllOn()),
    ]
    training, delivered = [], []
    for name, fabric, hand in networks[: 1 if quick else None]:
        net = pair(fabric, hand)
        for layout, memory_format in LAYOUTS.items():
            for module in (net, hand):
                module.to(device, memory_format=memory_format)
            training.append(training_row(name, layout, net, hand, rounds, device))
            delivered += [delivered_row(name, layout, batch, net, hand, rounds, device) for batch in (1, 128)]
    keep("training_all_on", training, quick=quick)
    keep("delivered", delivered, quick=quick)
