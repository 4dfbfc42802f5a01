# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ROS 2 nodes; the only room that needs rclpy."""

from importlib import import_module
from typing import Any

_NODES = {
    'TrackerNode': 'finetrack_ros.ros.node.tracker_node',
    'VideoPlayerNode': 'finetrack_ros.ros.player.video_player_node',
}

__all__ = ['TrackerNode', 'VideoPlayerNode']


def __getattr__(name: str) -> Any:
    """Import a node when it is asked for, so that each module can also be run by itself."""
    if name not in _NODES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(_NODES[name]), name)
