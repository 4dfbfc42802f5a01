# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, imported without its telemetry, which reports each import from PyPI's wheels."""

import sys

_TELEMETRY = 'openvino_telemetry'
_absent = _TELEMETRY not in sys.modules
if _absent:
    # As on a machine without that package: OpenVINO then takes a stub of it.
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
try:
    import openvino as ov
finally:
    if _absent:
        del sys.modules[_TELEMETRY]

__all__ = ['ov']
