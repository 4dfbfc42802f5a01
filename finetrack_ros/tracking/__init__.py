# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Online multi-object tracking on NumPy arrays."""

from finetrack_ros.tracking.config import TrackerConfig
from finetrack_ros.tracking.events import EventKind, TrackEvent
from finetrack_ros.tracking.tracker import Tracker
from finetrack_ros.tracking.tracks import Tracks, TrackState

__all__ = ['EventKind', 'TrackEvent', 'Tracker', 'TrackerConfig', 'TrackState', 'Tracks']
