# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""FineTrack: multi-object tracking with fine-grained appearance, for ROS 2 and without it."""

__version__ = '0.1.0'
