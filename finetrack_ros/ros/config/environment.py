# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Find the package's files for ROS, installed or in a source tree, and what processes need."""

from __future__ import annotations

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory, PackageNotFoundError

_PROFILE = 'fastdds_large_images.xml'
_VARIABLES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')
_FAST_DDS_2 = ('humble', 'iron', 'jazzy')


def config_file(name: str) -> Path:
    """Return the path of a file of the package's ``config`` folder: installed, else its source."""
    try:
        share = Path(get_package_share_directory('finetrack_ros'))
    except PackageNotFoundError:
        share = Path(__file__).resolve().parents[3]
    return share / 'config' / name


def large_images_environment() -> dict[str, str]:
    """
    Return the variable that gives Fast DDS room for images; none where the user chose a profile.

    Only the one of the present version: Fast DDS 3 (Kilted and later) reads both names, and
    refuses a profile that it has read already.
    """
    if any(os.environ.get(name) for name in _VARIABLES):
        return {}
    name = _VARIABLES[os.environ.get('ROS_DISTRO') in _FAST_DDS_2]
    return {name: str(config_file(_PROFILE))}
