# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures that every room's tests share."""

import importlib.util
import os
from pathlib import Path
import sys

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# A checkout without any installation is tested as it stands; else the installed package is.
if importlib.util.find_spec('finetrack_ros') is None:
    sys.path.insert(0, str(REPOSITORY))


@pytest.fixture(scope='session')
def repository() -> Path:
    """Return the root folder of the source tree."""
    return REPOSITORY


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Return the folder of evaluation data; skip where this machine does not have it."""
    folder = Path(os.environ.get('FINETRACK_DATA', REPOSITORY.parent / 'shared' / 'data'))
    if not folder.is_dir():
        pytest.skip(f'no evaluation data in {folder}; set FINETRACK_DATA to its folder')
    return folder
