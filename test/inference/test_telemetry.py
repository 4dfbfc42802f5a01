# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Nothing that runs on a robot calls home."""

import os
from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAY = "import finetrack_ros, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"


@pytest.mark.parametrize(('given', 'expected'), [({}, '1'), ({'ORT_DISABLE_TELEMETRY': '0'}, '0')])
def test_telemetry_of_onnx_runtime_is_off_unless_asked_for(given, expected):
    environment = {k: v for k, v in os.environ.items() if k != 'ORT_DISABLE_TELEMETRY'}
    result = subprocess.run([sys.executable, '-c', SAY], cwd=ROOT, capture_output=True, text=True,
                            check=True, env=environment | given)
    assert result.stdout.strip() == expected


def test_openvino_is_imported_without_its_telemetry():
    pytest.importorskip('openvino', reason='needs the extra "openvino"')
    say = ('import sys, finetrack_ros.inference.openvino_engine; '
           'print([name for name in sys.modules if name.startswith("openvino_telemetry")])')
    result = subprocess.run([sys.executable, '-c', say], cwd=ROOT, capture_output=True, text=True,
                            check=True)
    assert result.stdout.strip() == '[]'
