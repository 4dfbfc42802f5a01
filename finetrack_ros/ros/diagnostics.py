# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the node says of itself on /diagnostics: one status for the model, one per camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from finetrack_ros.inference import FineTrackRunner
from finetrack_ros.ros.frame_stats import Snapshot

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


def model_status(node_name: str, state: str, model: str, runner: FineTrackRunner | None,
                 fault: str) -> DiagnosticStatus:
    """Return what is loaded, on which engine and why, or the fault that prevents it."""
    values = {'state': state, 'model': model}
    if runner is not None:
        values.update({
            'engine': runner.engine_name, 'device': runner.device_name,
            'reason': runner.engine_reason, 'embedding_dim': str(runner.embedding_dim),
            'input_size': str(runner.input_size),
        })
    if fault:
        return _status(f'{node_name}: model', ERROR, fault, values)
    if runner is None:
        return _status(f'{node_name}: model', WARN, f'no model is loaded, node is {state}', values)
    return _status(f'{node_name}: model', OK, f'{runner.model_name} on {runner.engine_name}',
                   values)


def camera_status(node_name: str, topic: str, snapshot: Snapshot, problems: Sequence[str],
                  publishers: int, enabled: bool,
                  limits: Mapping[str, Any]) -> DiagnosticStatus:
    """
    Return how one camera's images fared since the last snapshot.

    :param problems: why images cannot arrive at all.
    :param limits: the parameters ``max_age``, ``max_drop_ratio`` and ``image_timeout``.
    """
    level, message = OK, f'{snapshot.processed / snapshot.seconds:.1f} frames per second'
    if not enabled:
        message = 'disabled by ~/enable'
    elif problems:
        level, message = ERROR, problems[0]
    elif snapshot.failed:
        level, message = ERROR, f'{snapshot.failed} frames failed: {snapshot.last_error}'
    elif warning := _warning(topic, snapshot, publishers, limits):
        level, message = WARN, warning
    return _status(f'{node_name}: {topic}', level, message,
                   {**_counts(snapshot), 'publishers': str(publishers)})


def _warning(topic: str, snapshot: Snapshot, publishers: int, limits: Mapping[str, Any]) -> str:
    """Return the worst thing that lets the node go on, or ''."""
    if snapshot.bad:
        return f'{snapshot.bad} bad images: {snapshot.last_error}'
    if snapshot.silence > limits['image_timeout']:
        remedy = ('start the camera driver or correct image_topic' if not publishers
                  else 'look at the camera driver')
        return (f"no image on '{topic}' for {snapshot.silence:.0f} s from {publishers} "
                f'publishers: {remedy}')
    age = snapshot.quantile('total', 0.5)
    if age > limits['max_age']:
        return (f'half of the frames are older than {age:.2f} s when their tracks come out: '
                'lower the image rate or size, or compare the clocks of camera and tracker')
    if snapshot.dropped > limits['max_drop_ratio'] * max(snapshot.received, 1):
        return (f'{snapshot.dropped} of {snapshot.received} images were overtaken by newer ones: '
                'lower the image rate or take a faster engine')
    return ''


def _counts(snapshot: Snapshot) -> dict[str, str]:
    """Return the numbers of a snapshot as text, durations in milliseconds."""
    values = {
        'fps': f'{snapshot.processed / snapshot.seconds:.2f}',
        'input_fps': f'{snapshot.received / snapshot.seconds:.2f}',
        'tracks': str(snapshot.tracks),
        'received': str(snapshot.received_total),
        'processed': str(snapshot.processed_total),
        'dropped': str(snapshot.dropped_total),
        'bad_images': str(snapshot.bad_total),
        'time_jumps': str(snapshot.jumps_total),
        'last_error': snapshot.last_error,
    }
    if not snapshot.durations:
        return values
    for name in ('age', 'decoding', 'inference', 'tracking', 'publishing', 'total'):
        for label, share in (('p50', 0.5), ('p95', 0.95)):
            values[f'{name}_ms_{label}'] = f'{1e3 * snapshot.quantile(name, share):.2f}'
    return values


def _status(name: str, level: bytes, message: str, values: Mapping[str, str]) -> DiagnosticStatus:
    return DiagnosticStatus(
        name=name, level=level, message=message, hardware_id='finetrack_ros',
        values=[KeyValue(key=key, value=value) for key, value in values.items()])
