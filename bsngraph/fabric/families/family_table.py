"""The table of families: a name on the command line → a function that sketches a
fabric. Adding one is one row; its options are made from the function's arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

from bsngraph.fabric.families.cells import sketch_cells
from bsngraph.fabric.families.chain import sketch_chain
from bsngraph.fabric.families.cnf import sketch_cnf
from bsngraph.fabric.families.mlp import sketch_mlp
from bsngraph.fabric.families.photos.mobilenet import sketch_mobilenet
from bsngraph.fabric.families.photos.resnet18 import sketch_resnet18
from bsngraph.fabric.families.photos.unet import sketch_unet
from bsngraph.fabric.families.resnet import sketch_any_resnet
from bsngraph.fabric.families.sketch import MAP_TASK, Sketch
from bsngraph.fabric.families.transformer import sketch_transformer
from bsngraph.ops import Value

_PLAIN_KINDS: Mapping[Any, type] = {int: int, int | None: int, str: str, str | None: str, bool: bool}


@dataclass(frozen=True)
class FabricFamily:
    """A row. `sketch` takes `input_shape`, `classes` and `task`, and arguments of its
    own by name, each annotated with its meaning and, for words, the choices.

    `meaning` is the help of its command, `examples` are options of it. `input_sizes` is
    the input if none is given, and `input_meaning` says what its sizes are. `task` is
    what it is for if nothing is said.
    """

    sketch: Callable[..., Sketch]
    meaning: str
    examples: tuple[str, ...]
    input_sizes: str = "3x32x32"
    input_meaning: str = "Sizes of one image, channels first."
    task: str = "classification"

    def arguments(self) -> Iterator[FamilyArgument]:
        """What the family takes besides the shape of the input, classes and task."""
        hints = get_type_hints(self.sketch, include_extras=True)
        for name, parameter in inspect.signature(self.sketch).parameters.items():
            said = get_args(hints[name])
            if parameter.kind is parameter.KEYWORD_ONLY and len(said) > 1 and isinstance(said[1], str):
                kind = Sequence if get_origin(said[0]) is Sequence else _PLAIN_KINDS[said[0]]
                yield FamilyArgument(name, kind, parameter.default, said[1], said[2:])


@dataclass(frozen=True)
class FamilyArgument:
    """An argument of a family: int, str, bool or a Sequence of int."""

    name: str
    kind: Any
    default: Value | Sequence[int] | None
    meaning: str
    choices: tuple[str, ...] = ()


FAMILIES: dict[str, FabricFamily] = {
    "resnet": FabricFamily(
        sketch_any_resnet,
        "The ResNet Fabric of Budgeted Super Networks, or a plain ResNet.\n\nGroups of basic blocks, each "
        "beside its skip, and connections from every group to the next one across them. With --plain the "
        "ResNet of He et al. 2015 for small images, as a fixed fabric: depth 20, 32, 44, 56, 110 …",
        ("--input 3x32x32 --classes 100 -o resnet.dot", "--plain --depth 20 -o resnet20.dot"),
    ),
    "cnf": FabricFamily(
        sketch_cnf,
        "The Convolutional Neural Fabric: a grid of layers and scales, down to 1x1.\n\nEvery node receives "
        "from the finer, the same and the coarser scale of the layer before it.",
        (
            "--input 1x28x28 --layers 4 -o cnf.dot",
            "--input 1x32x32 --classes 11 --task segmentation -o scenes.dot",
        ),
    ),
    "cells": FabricFamily(
        sketch_cells,
        "One cell, repeated, in the manner of DARTS and NAS-Bench-201.\n\nBetween any two nodes of a cell "
        "one of identity, 1x1 conv, 3x3 conv and mean pooling is kept, the same one in every cell.",
        ("--input 3x32x32 --cells 2 -o cells.dot",),
    ),
    "chain": FabricFamily(
        sketch_chain,
        "Stages of MBConv blocks in the manner of ProxylessNAS and FBNet.\n\nEvery position keeps one "
        "MBConv of a kernel and an expansion, or nothing but its input where shapes agree.",
        ("--input 3x32x32 --channels 16,24,40 --layers 3 -o chain.dot",),
    ),
    "mobilenet": FabricFamily(
        sketch_mobilenet,
        "MBConv stages around MobileNetV2, for photographs.\n\nEvery position keeps one MBConv of a kernel "
        "and an expansion, or nothing but its input where shapes agree. MobileNetV2 itself is one of the "
        "sub-networks.",
        ("--data folder:photos,size=96 -o photos.dot", "--input 3x224x224 --classes 1000 -o mobilenet.dot"),
        input_sizes="3x224x224",
    ),
    "resnet18": FabricFamily(
        sketch_resnet18,
        "Basic-block stages around ResNet-18, for photographs.\n\nAt every position a basic block, a "
        "bottleneck block and the skip, each of which may go. ResNet-18 itself is one of the sub-networks.",
        ("--data folder:photos,size=96 --channels 16 -o photos.dot", "--blocks 3,4,6,3 -o resnet34.dot"),
        input_sizes="3x224x224",
    ),
    "unet": FabricFamily(
        sketch_unet,
        "A U-Net-like fabric for a class at every pixel.\n\nDown through resolutions and up again, with "
        "lateral connections; blocks, separable convs, skips and the ways between resolutions may all go.",
        ("--data digit-scenes -o scenes.dot", "--input 3x96x96 --classes 3 --stride 2 -o masks.dot"),
        input_sizes="3x96x96",
        task=MAP_TASK,
    ),
    "mlp": FabricFamily(
        sketch_mlp,
        "MLPs and residual MLPs for tables.\n\nAt every layer a linear layer, a bottleneck and the skip, "
        "and a linear model beside the whole.",
        ("--data diabetes -o table.dot", "--input 10 --widths 64,64,32 -o table.dot"),
        input_sizes="10",
        input_meaning="Number of features of a vector.",
    ),
    "transformer": FabricFamily(
        sketch_transformer,
        "A transformer over sequences, every sub-layer of which may go.\n\nBlocks of self-attention and "
        "MLPs, each beside an identity that stays.",
        ("--input 8x8 --blocks 4 -o transformer.dot",),
        input_sizes="8x8",
        input_meaning="Sizes of one sequence: length, then features of a token.",
    ),
}
