# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Read frames from videos, folders, bags and cameras; read, write and draw tracks."""

from finetrack_ros.io.drawing import colour_of, draw_tracks, Trails
from finetrack_ros.io.frames import Frame, FrameSource
from finetrack_ros.io.mot import MotDetections, MotRows, MotWriter, read_detections, read_mot
from finetrack_ros.io.seqinfo import read_seqinfo, SequenceInfo
from finetrack_ros.io.sources import is_bag, open_source
from finetrack_ros.io.video import VideoWriter

__all__ = [
    'Frame', 'FrameSource', 'MotDetections', 'MotRows', 'MotWriter', 'SequenceInfo', 'Trails',
    'VideoWriter', 'colour_of', 'draw_tracks', 'is_bag', 'open_source', 'read_detections',
    'read_mot', 'read_seqinfo',
]
