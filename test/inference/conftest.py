# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Helpers of this folder's tests can be imported by name."""

from pathlib import Path
import sys

sys.path.insert(0, str(Path(__file__).parent))
