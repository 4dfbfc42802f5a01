# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""OpenCV loads on a machine without a desktop although TrackEval asks for opencv-python."""

from importlib.metadata import distribution, PackageNotFoundError

import cv2
import pytest


def installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def test_headless_opencv_is_the_one_that_runs():
    if not installed('opencv-contrib-python-headless'):
        pytest.skip('OpenCV is not from our dependencies here')
    gui = next(line for line in cv2.getBuildInformation().splitlines() if 'GUI:' in line)
    assert gui.split()[-1] == 'NONE'
