"""Latency: of edges, as a table that a search adds up, and of whole networks, on this
device.
"""

from bsngraph.measure.calibration import random_architectures
from bsngraph.measure.device import Hardware, find_device, find_hardware
from bsngraph.measure.engines import LATENCY_ENGINES, is_latency
from bsngraph.measure.latency import edge_latencies, measure_network
from bsngraph.measure.latency_table import LatencyTable, conditions_here
from bsngraph.measure.piecewise.cache import default_cache
from bsngraph.measure.piecewise.running import Runner, example_inputs, run_deployed
from bsngraph.measure.pricing import CostOptions
from bsngraph.measure.table_file import read_latencies
from bsngraph.measure.timing import Patience, Timing, device_name, measure_module

__all__ = [
    "LATENCY_ENGINES",
    "CostOptions",
    "Hardware",
    "LatencyTable",
    "Patience",
    "Runner",
    "Timing",
    "conditions_here",
    "default_cache",
    "device_name",
    "edge_latencies",
    "example_inputs",
    "find_device",
    "find_hardware",
    "is_latency",
    "measure_module",
    "measure_network",
    "random_architectures",
    "read_latencies",
    "run_deployed",
]
