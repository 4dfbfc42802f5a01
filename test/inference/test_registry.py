# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Engines are found by name, join from other packages, and are tried in order."""

from importlib.metadata import EntryPoint
import logging
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.inference import load_model, registry
from finetrack_ros.inference.engine import DetectorOutput
from finetrack_ros.inference.loading import WEIGHTS
from finetrack_ros.inference.onnx_file import read_metadata
from finetrack_ros.inference.registry import (
    choices,
    engine_names,
    EngineSpec,
    EngineUnavailableError,
    find_engine,
)


class Blind:
    """Engine that sees nothing."""

    def __init__(self, name, device):
        self.name, self.device = name, device
        text = read_metadata(WEIGHTS / 'finetrack_nano' / 'detector.onnx')
        self.metadata = (text, text)

    def detect(self, images):
        count = len(images)
        return DetectorOutput(np.zeros((count, 1, 4), np.float32),
                              np.zeros((count, 1), np.float32),
                              np.zeros((count, 1), np.int32), None)

    def embed(self, features, rois, crops):
        return np.zeros((len(rois), 512), np.float32)


def spec(name, devices, error=None):
    def candidates():
        if isinstance(devices, Exception):
            raise devices
        return devices

    def create(folder, device, options):
        if error is not None:
            raise error
        return Blind(name, device)
    return EngineSpec(name, name.title(), candidates, create)


@pytest.fixture
def engines(monkeypatch):
    """Return a function that replaces all engines by some."""
    def replace(*specs):
        table = {one.name: one for one in specs}
        monkeypatch.setattr(registry, 'engine_names', lambda: ['auto', *table])
        monkeypatch.setattr(registry, 'find_engine', table.__getitem__)
    return replace


def pairs(*arguments):
    return [(one.name, device) for one, device in choices(*arguments)]


def test_gpus_come_before_cpus_and_engines_in_their_order(engines):
    engines(spec('a', ['cpu']), spec('b', ['cuda', 'cpu']), spec('c', ['cuda']),
            spec('absent', EngineUnavailableError('not installed')))
    assert pairs() == [('b', 'cuda'), ('c', 'cuda'), ('a', 'cpu'), ('b', 'cpu')]
    assert pairs('auto', 'cpu') == [('a', 'cpu'), ('b', 'cpu')]
    assert pairs('auto', 'cuda:1') == [('b', 'cuda:1'), ('c', 'cuda:1')]
    assert pairs('b') == [('b', 'cuda'), ('b', 'cpu')]
    assert pairs('a', 'cuda:1') == [('a', 'cuda:1')]


def test_what_cannot_run_is_refused_with_what_can(engines):
    engines(spec('a', ['cpu']), spec('absent', EngineUnavailableError('not installed')))
    with pytest.raises(ConfigError, match="device 'cuda': no engine .* use cpu"):
        choices('auto', 'cuda')
    with pytest.raises(EngineUnavailableError, match='not installed'):
        choices('absent')


@pytest.mark.parametrize('error', [ConfigError('no driver'), ModelError('not parsed')])
def test_the_next_engine_is_tried_and_the_reason_kept(engines, caplog, error):
    engines(spec('a', ['cuda'], error), spec('b', ['cpu']))
    runner = load_model()
    assert (runner.engine_name, runner.device_name) == ('b', 'cpu')
    assert runner.engine_reason == (
        'a on cuda does not start, b on cpu is the fastest that starts')
    record, = caplog.records
    assert record.levelno == logging.WARNING and str(error) in record.message


def test_the_last_error_is_told_where_none_starts(engines):
    engines(spec('a', ['cpu'], ConfigError('first')), spec('b', ['cpu'], ConfigError('second')))
    with pytest.raises(ConfigError, match='second'):
        load_model()


def test_a_setting_out_of_range_is_no_fault_of_an_engine(engines, caplog):
    engines(spec('a', ['cpu']), spec('b', ['cpu']))
    with pytest.raises(ConfigError, match='nms_threshold'):
        load_model(nms_threshold=2.0)
    assert not caplog.records


def test_unknown_names_and_precisions_are_refused():
    with pytest.raises(ConfigError, match="engine 'abacus': unknown; use one of auto, .*onnx"):
        find_engine('abacus')
    with pytest.raises(ConfigError, match="precision 'fp4': unknown; use fp32"):
        load_model(precision='fp4')
    with pytest.raises(ConfigError, match="precision 'bf16': ONNX Runtime"):
        load_model(engine='onnxruntime', device='cpu', precision='bf16')


mine = spec('mine', ['npu'])
theirs = SimpleNamespace(name='theirs')


@pytest.fixture
def entry_points(monkeypatch):
    """Return a function that installs entry points, given as names and values."""
    def install(**values):
        entries = [EntryPoint(name, value, 'finetrack.engines') for name, value in values.items()]
        monkeypatch.setattr(registry.metadata, 'entry_points', lambda group: entries)
        registry._foreign.cache_clear()
    yield install
    registry._foreign.cache_clear()


def test_other_packages_bring_engines(entry_points, monkeypatch):
    monkeypatch.setitem(sys.modules, 'their_engine', SimpleNamespace(SPEC=mine))
    entry_points(mine='their_engine:SPEC', onnxruntime='their_engine:SPEC')
    assert engine_names()[-1] == 'mine' and engine_names().count('onnxruntime') == 1
    assert find_engine('mine') is mine
    assert find_engine('onnxruntime') is not mine
    assert load_model(engine='mine').device_name == 'npu'


@pytest.mark.parametrize('value', ['their_engine:SPEC', 'no_such_package:SPEC', 'json:SPEC'])
def test_a_broken_package_is_named_and_passed_over(entry_points, monkeypatch, value):
    monkeypatch.setitem(sys.modules, 'their_engine', SimpleNamespace(SPEC=theirs))
    entry_points(mine=value)
    with pytest.raises(EngineUnavailableError, match="engine 'mine': .*update or remove"):
        find_engine('mine')
    assert 'mine' not in {one.name for one, _ in registry.usable_engines()}
