# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The public names, and that the package is light until they are used."""

from pathlib import Path
import subprocess
import sys

import pytest

import finetrack_ros
from finetrack_ros import TrackerConfig
from finetrack_ros.errors import ConfigError

ROOT = Path(__file__).resolve().parents[1]


def test_the_bare_package_loads_nothing_else():
    program = ("import sys, finetrack_ros; heavy = {'numpy', 'cv2', 'yaml', 'onnxruntime'}; "
               "own = [m for m in sys.modules if m.startswith('finetrack_ros.')]; "
               'print(sorted(heavy & set(sys.modules)), own)')
    result = subprocess.run([sys.executable, '-c', program], cwd=ROOT, capture_output=True,
                            text=True, check=True, timeout=60)
    assert result.stdout.strip() == '[] []'


def test_each_name_is_there():
    for name in finetrack_ros.__all__:
        assert getattr(finetrack_ros, name).__name__ == name
        assert name in dir(finetrack_ros)


def test_other_names_are_not():
    with pytest.raises(AttributeError, match='no_such_name'):
        finetrack_ros.no_such_name  # noqa: B018


def test_configuration_of_a_preset():
    assert TrackerConfig.from_preset('default') == TrackerConfig()
    assert TrackerConfig.from_preset('dance').high_score == 0.6
    with pytest.raises(ConfigError, match='choose one of dance, default, mot'):
        TrackerConfig.from_preset('mott')
