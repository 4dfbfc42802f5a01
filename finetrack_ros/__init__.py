# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""FineTrack: multi-object tracking with fine-grained appearance, for ROS 2 and without it."""

import os
from pkgutil import extend_path

# The messages (finetrack_ros.msg) are generated into the ROS install space: a source tree that
# comes first on the path must still find them there.
__path__ = extend_path(__path__, __name__)

# Official builds of ONNX Runtime (1.32 for Linux among them) send telemetry, from threads of their
# own, unless they are told otherwise before they are loaded. Whoever wants that sets it to 0.
os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1')

__version__ = '0.2.0'
