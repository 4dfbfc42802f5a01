# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack engines`` and the choices of ``finetrack export``."""

import sys

from typer.testing import CliRunner

from finetrack_ros.cli import app
from finetrack_ros.inference.cache import PlanCache
from finetrack_ros.inference.registry import engine_names

WIDE = {'COLUMNS': '200'}


def run(*arguments, **variables):
    return CliRunner().invoke(app, arguments, env={**WIDE, **variables})


def test_every_engine_has_a_row_with_what_it_has_compiled(tmp_path):
    PlanCache(tmp_path).store({'engine': 'onnxruntime', 'graph': 'detector'}, b'0' * 2_000_000)
    result = run('engines', FINETRACK_CACHE=str(tmp_path))
    assert result.exit_code == 0, result.output
    for name in engine_names()[1:]:
        assert name in result.stdout
    assert '1 (2 MB)' in result.stdout
    assert 'auto tries, in this order: ' in result.stdout
    assert str(tmp_path) in result.stdout


def test_an_absent_library_is_told_with_the_remedy(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, 'finetrack_ros.inference.tensorrt_engine', raising=False)
    monkeypatch.setitem(sys.modules, 'tensorrt', None)
    result = run('engines', FINETRACK_CACHE=str(tmp_path))
    assert 'JetPack' in result.stdout


def test_starting_tells_what_is_taken(tmp_path):
    result = run('engines', '--start', FINETRACK_CACHE=str(tmp_path))
    assert result.exit_code == 0, result.output
    assert 'is the fastest that starts' in result.stdout


def test_export_names_what_an_engine_has():
    result = run('export', 'model.pt', '-o', 'folder', '--engine', 'abacus')
    assert result.exit_code == 2
    assert "'abacus' is unknown; use one of onnx, openvino" in result.output
    result = run('export', 'model.pt', '-o', 'folder', '--engine', 'openvino', '--precision',
                 'fp16')
    assert result.exit_code == 2
    assert 'use fp32 or bf16' in result.output
