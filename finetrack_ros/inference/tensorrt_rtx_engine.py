# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TensorRT-RTX, for GeForce and RTX GPUs; it builds plans in seconds."""

import tensorrt_rtx

from finetrack_ros.inference.tensorrt_spec import make_spec

SPEC = make_spec(tensorrt_rtx, 'TensorRT-RTX', frozenset({(7, 2), (8, 7)}), 1)
