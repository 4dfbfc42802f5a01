# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the tests of readers share."""

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def write_image() -> Callable[..., Path]:
    """Return a function that writes a grey image and the folders above it."""
    def write(path: Path, height: int = 60, width: int = 80) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), np.full((height, width, 3), 99, np.uint8))
        return path
    return write


@pytest.fixture
def write_sequence(write_image) -> Callable[..., Path]:
    """Return a function that writes a MOTChallenge sequence folder of six frames."""
    def write(folder: Path, rows: Iterable[str], length: int = 6, digits: int = 6,
              seqinfo: bool = True) -> Path:
        for frame in range(1, length + 1):
            write_image(folder / 'img1' / f'{frame:0{digits}d}.jpg')
        (folder / 'gt').mkdir()
        (folder / 'gt' / 'gt.txt').write_text('\n'.join(rows))
        if seqinfo:
            (folder / 'seqinfo.ini').write_text(
                f'[Sequence]\nimDir=img1\nframeRate=30\nseqLength={length}\nimExt=.jpg\n')
        return folder
    return write
