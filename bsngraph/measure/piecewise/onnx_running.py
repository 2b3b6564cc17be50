"""A network → an ONNX file of it, and the call of onnxruntime that is timed.

In: a SuperNet whose edges are all fixed. Out: the bytes of one ONNX file whose batch is
free, or a call without arguments.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from bsngraph.errors import InputError
from bsngraph.fabric import Fabric
from bsngraph.measure.piecewise.running import example_inputs
from bsngraph.supernet import SuperNet
from bsngraph.supernet.deployed import deploy
from bsngraph.supernet.supernet import Inputs

ONNX_EXTRA = "needs onnx, onnxscript and onnxruntime: pip install 'bsngraph[onnx]'"

_BATCH = 2  # of the example that is exported; torch would take a batch of 1 for a constant
_LONGEST = 300  # of torch's reason, which goes on for pages


class OnnxRunner:
    """Runs networks by onnxruntime on the CPU; each fabric is exported once."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.files: dict[Fabric, bytes] = {}

    def __call__(self, net: SuperNet, inputs: Inputs) -> Callable[[], object]:
        """A pass of `inputs` through the net.

        Raises:
            InputError: onnxruntime is not installed, or ONNX has no such operator.
        """
        if net.fabric not in self.files:
            self.files[net.fabric] = onnx_file(net)
        session = onnx_session(self.files[net.fabric], self.threads)
        values = list(inputs.values()) if isinstance(inputs, Mapping) else [inputs]
        feed = {f"input_{number}": value.cpu().numpy() for number, value in enumerate(values)}
        return lambda: session.run(None, feed)


def onnx_session(file: bytes, threads: int) -> Any:
    """onnxruntime's session of an ONNX file on the CPU.

    Raises:
        InputError: onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise InputError(f"latency@onnx {ONNX_EXTRA}") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3  # errors alone
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def onnx_file(net: SuperNet) -> bytes:
    """The deployed network as an ONNX file: inputs `input_0` … in the order of the
    sources, outputs `output_0` … in that of the targets.

    Raises:
        InputError: onnx is not installed, or an operator has no counterpart there.
    """
    try:
        import onnxscript as _  # noqa: F401  # torch asks for it late, and in its own words
    except ImportError:
        raise InputError(f"an ONNX file {ONNX_EXTRA}") from None
    fabric = net.fabric
    inputs = example_inputs(net.profile, _BATCH, torch.device("cpu"))
    values = tuple(inputs.values()) if isinstance(inputs, Mapping) else (inputs,)
    batch = torch.export.Dim("batch")
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                _Positional(deploy(net), fabric),
                values,
                dynamo=True,
                verbose=False,
                input_names=[f"input_{number}" for number in range(len(values))],
                output_names=[f"output_{number}" for number in range(len(fabric.targets))],
                dynamic_shapes=(tuple({0: batch} for _ in values),),
            )
    except Exception as error:  # torch's exporter raises many kinds, and user's operations any
        reason = str(error).strip().partition("\n")[0][:_LONGEST]
        edges = ", ".join(f"{edge.name} ({edge.op})" for edge in fabric.edges[:4])
        raise InputError(f"{edges}: cannot be written as ONNX ({type(error).__name__}: {reason})") from None
    assert program is not None
    written: bytes = program.model_proto.SerializeToString()
    return written


class _Positional(nn.Module):
    """A network whose sources are its arguments, and whose targets are a tuple."""

    def __init__(self, network: nn.Module, fabric: Fabric) -> None:
        super().__init__()
        self.network, self.sources = network, fabric.sources

    def forward(self, *values: Tensor) -> tuple[Tensor, ...]:
        given = self.network(dict(zip(self.sources, values, strict=True)) if len(values) > 1 else values[0])
        return tuple(given.values()) if isinstance(given, Mapping) else (given,)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch's exporter says of itself: its own deprecated calls, and that
    torchvision is not there.
    """
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
