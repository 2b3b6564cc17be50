"""When and where a row is made."""

from __future__ import annotations

import datetime
import os
import platform
from typing import Any

import torch


def here_and_now() -> dict[str, Any]:
    """What stands under `measured` in a row; the load is that of the last minute."""
    return {
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load": round(os.getloadavg()[0], 1),
    }


def processor() -> str:
    """The processor as Linux names it, or as Python does, and its cores."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return f"{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} cores"
