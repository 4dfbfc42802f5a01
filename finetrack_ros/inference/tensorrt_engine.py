# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TensorRT 10 or later, from JetPack or NVIDIA's packages."""

import tensorrt

from finetrack_ros.inference.tensorrt_spec import make_spec

SPEC = make_spec(tensorrt, 'TensorRT')
