# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Let the tests of this room share helpers."""

from pathlib import Path
import sys

sys.path.append(str(Path(__file__).parent))
