# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the node says on /diagnostics of the positions of one camera's tracks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from diagnostic_msgs.msg import DiagnosticStatus

from finetrack_ros.ros.config.node_config import NodeConfig
from finetrack_ros.ros.diagnostics.statuses import ERROR, OK, status, Verdict, WARN
from finetrack_ros.ros.inputs.topic_input import InputReport


class DepthSnapshot(NamedTuple):
    """
    What became of frames and tracks that positions were wanted of.

    :ivar totals: ``paired``, ``unpaired`` and ``failed`` frames, ``located`` tracks, and tracks
        ``without_depth`` in their box, since the start of the node.
    :ivar recent: the same since the last snapshot.
    :ivar last_error: why the last frame failed, '' where none did.
    """

    totals: Counter[str]
    recent: Counter[str]
    last_error: str


class DepthCounts:
    """Counters of one camera; see :class:`DepthSnapshot` for their names."""

    def __init__(self) -> None:
        """Start at zero."""
        self._totals: Counter[str] = Counter()
        self._before: Counter[str] = Counter()
        self._last_error = ''

    def count(self, error: str = '', **more: int) -> None:
        """Raise counters, and keep the reason of a failure."""
        self._totals.update(more)
        self._last_error = error or self._last_error

    def snapshot(self) -> DepthSnapshot:
        """Return the totals, and what was counted since the last call."""
        totals = self._totals.copy()
        recent = totals - self._before
        self._before = totals
        return DepthSnapshot(totals, recent, self._last_error)


def depth_status(node_name: str, topic: str, inputs: Sequence[InputReport],
                 snapshot: DepthSnapshot, config: NodeConfig) -> DiagnosticStatus:
    """
    Return how the positions of one camera's tracks fared since the last snapshot.

    :param topic: of the depth images; names the status.
    :param inputs: the subscriptions to depth and calibration; none where nobody wants positions.
    :param config: the node's parameters.
    """
    level, message = _verdict(inputs, snapshot, config)
    totals = snapshot.totals
    return status(f'{node_name}: {topic}', level, message, {
        'frames_paired': str(totals['paired']),
        'frames_unpaired': str(totals['unpaired']),
        'frames_failed': str(totals['failed']),
        'tracks_located': str(totals['located']),
        'tracks_without_depth': str(totals['without_depth']),
        'publishers': str(inputs[0].publishers if inputs else 0),
        'last_error': snapshot.last_error,
    })


def _verdict(inputs: Sequence[InputReport], snapshot: DepthSnapshot,
             config: NodeConfig) -> Verdict:
    """Return level and message, causes before their consequences."""
    recent = snapshot.recent
    if not inputs:
        return OK, 'idle until an image comes while somebody subscribes to tracks_3d or markers_3d'
    for report in inputs:
        if report.problems:
            return ERROR, report.problems[0]
    if recent['failed']:
        return WARN, f"{recent['failed']} frames without positions: {snapshot.last_error}"
    depth = inputs[0]
    if depth.silence > config.diagnostics.image_timeout:
        return WARN, (f"no depth image on '{depth.topic}' for {depth.silence:.0f} s from "
                      f'{depth.publishers} publishers: {depth.remedy}')
    if recent['unpaired'] > recent['paired']:
        return WARN, (
            f"{recent['unpaired']} of {recent['unpaired'] + recent['paired']} frames have no "
            f'depth image within {config.positions.depth_tolerance:g} s: synchronise depth and '
            "colour in the driver, or raise the parameter 'depth_tolerance'")
    tracks = recent['located'] + recent['without_depth']
    if tracks and not recent['located']:
        return WARN, (f'none of {tracks} tracks has enough depth in its box: look at the depth '
                      'image; the objects may be out of its range')
    return OK, f"positions of {recent['located']} of {tracks} tracks"
