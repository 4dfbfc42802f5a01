# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Let this room's tests import their slow twins, and take their time on a busy machine."""

from pathlib import Path
import sys

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
settings.register_profile('patient', deadline=None)
settings.load_profile('patient')
