# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
FineTrack: multi-object tracking with fine-grained appearance, for ROS 2 and without it.

The names below are the public face; each is imported when it is first used, so that the bare
package loads at once and needs none of the libraries behind them.
"""

from __future__ import annotations

from importlib import import_module
import os
from pkgutil import extend_path
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from finetrack_ros.detections import Detections
    from finetrack_ros.inference import load_model
    from finetrack_ros.perception import Perception
    from finetrack_ros.pipeline import Pipeline
    from finetrack_ros.protocols import DetectionOptions
    from finetrack_ros.stream import Stream
    from finetrack_ros.tracking import Tracker, TrackerConfig, Tracks

# The messages (finetrack_ros.msg) are generated into the ROS install space: a source tree that
# comes first on the path must still find them there.
__path__ = extend_path(__path__, __name__)

# Official builds of ONNX Runtime (1.32 for Linux among them) send telemetry, from threads of their
# own, unless they are told otherwise before they are loaded. Whoever wants that sets it to 0.
os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1')

__version__ = '0.2.0'

__all__ = ['DetectionOptions', 'Detections', 'Perception', 'Pipeline', 'Stream', 'Tracker',
           'TrackerConfig', 'Tracks', 'load_model']

_MODULES = {
    'DetectionOptions': 'protocols', 'Detections': 'detections', 'Perception': 'perception',
    'Pipeline': 'pipeline', 'Stream': 'stream', 'Tracker': 'tracking',
    'TrackerConfig': 'tracking', 'Tracks': 'tracking', 'load_model': 'inference'}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = getattr(import_module(f'{__name__}.{_MODULES[name]}'), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return all names, those not imported yet included."""
    return sorted({*globals(), *__all__})
