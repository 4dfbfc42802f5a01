# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""FineTrack: multi-object tracking with fine-grained appearance, for ROS 2 and without it."""

from pkgutil import extend_path

# The messages (finetrack_ros.msg) are generated into the ROS install space: a source tree that
# comes first on the path must still find them there.
__path__ = extend_path(__path__, __name__)

__version__ = '0.1.0'
