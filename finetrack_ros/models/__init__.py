# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Torch modules: YOLOX, FAFPN, MPMG and FineTrack, and their export to ONNX."""

from finetrack_ros.models.finetrack import FineTrack, FineTrackConfig
from finetrack_ros.models.yolox import YOLOX

__all__ = ['YOLOX', 'FineTrack', 'FineTrackConfig']
