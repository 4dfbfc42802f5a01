# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from finetrack_ros.io import VideoWriter


@pytest.fixture
def make_video() -> Callable[..., Path]:
    """Return what writes a short video of noise."""
    def make(path: Path, frames: int = 5) -> Path:
        noise = np.random.default_rng(frames)
        with VideoWriter(path, 10) as writer:
            for _ in range(frames):
                writer.write(noise.integers(0, 255, (48, 64, 3), dtype=np.uint8))
        return path
    return make
