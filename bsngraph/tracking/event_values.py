"""What stands in an event of TensorBoard: scalars, a histogram, a picture, and settings
with what they led to (its plugin for hyperparameters).

This module is imported where tensorboard is installed. It imports neither TensorFlow
nor torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import (
    DATA_TYPE_BOOL,
    DATA_TYPE_FLOAT64,
    DATA_TYPE_STRING,
    STATUS_SUCCESS,
    Experiment,
    HParamInfo,
    MetricInfo,
    MetricName,
)
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

from bsngraph.tracking.snapshot import LoggedSetting, png_size

_FIRST = "brain.Event:2"
_BINS = 20


def first_event(wall_s: float) -> bytes:
    """What every event file begins with."""
    return bytes(Event(wall_time=wall_s, file_version=_FIRST).SerializeToString())


def event_of(wall_s: float, step: int, values: Sequence[Summary.Value]) -> bytes:
    """An event that holds values of one step."""
    return bytes(Event(wall_time=wall_s, step=step, summary=Summary(value=values)).SerializeToString())


def scalar_values(scalars: Mapping[str, float]) -> list[Summary.Value]:
    """Numbers under their tags."""
    return [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]


def histogram_value(tag: str, probabilities: Sequence[float]) -> Summary.Value:
    """A histogram of probabilities in equal bins from 0 to 1."""
    counts, edges = np.histogram(probabilities, bins=_BINS, range=(0.0, 1.0))
    held = np.asarray(probabilities, dtype=np.float64)
    return Summary.Value(
        tag=tag,
        histo=HistogramProto(
            min=held.min(),
            max=held.max(),
            num=held.size,
            sum=held.sum(),
            sum_squares=np.square(held).sum(),
            bucket_limit=edges[1:],
            bucket=counts,
        ),
    )


def picture_value(tag: str, png: bytes) -> Summary.Value:
    """A PNG as it is."""
    width, height = png_size(png)
    image = Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=png)
    return Summary.Value(tag=tag, image=image)


def setting_values(
    settings: Mapping[str, LoggedSetting], scores: Mapping[str, float], began_s: float, ended_s: float | None
) -> list[Summary.Value]:
    """Settings, and the tags of the scores that they led to; `ended_s` is None of a run
    that has not ended.
    """
    start = SessionStartInfo(start_time_secs=began_s)
    infos = []
    for name, value in settings.items():
        held = start.hparams[name]
        if isinstance(value, bool):
            held.bool_value, kind = value, DATA_TYPE_BOOL
        elif isinstance(value, str):
            held.string_value, kind = value, DATA_TYPE_STRING
        else:
            held.number_value, kind = float(value), DATA_TYPE_FLOAT64
        infos.append(HParamInfo(name=name, type=kind))
    metrics = [MetricInfo(name=MetricName(tag=tag)) for tag in scores]
    parts = {
        metadata.EXPERIMENT_TAG: HParamsPluginData(
            experiment=Experiment(hparam_infos=infos, metric_infos=metrics, time_created_secs=began_s)
        ),
        metadata.SESSION_START_INFO_TAG: HParamsPluginData(session_start_info=start),
    }
    if ended_s is not None:
        parts[metadata.SESSION_END_INFO_TAG] = HParamsPluginData(
            session_end_info=SessionEndInfo(status=STATUS_SUCCESS, end_time_secs=ended_s)
        )
    return [
        Summary.Value(tag=tag, metadata=metadata.create_summary_metadata(part), tensor=metadata.NULL_TENSOR)
        for tag, part in parts.items()
    ]
