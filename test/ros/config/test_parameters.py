# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of parameters: one truth for the node, the file and the checks."""

import re

from hypothesis import given
from hypothesis import strategies as st
import pytest
from rclpy.parameter import Parameter
import yaml

from finetrack_ros.errors import ConfigError
from finetrack_ros.ros.config.node_config import tracker_config
from finetrack_ros.ros.config.parameter_file import parameter_file
from finetrack_ros.ros.config.parameters import PARAMETERS
from finetrack_ros.ros.config.settings import changed_values
from finetrack_ros.tracking import TrackerConfig

pytestmark = pytest.mark.ros

DEFAULTS = {spec.name: spec.default for spec in PARAMETERS}
RANGED = [spec for spec in PARAMETERS if spec.minimum is not None]


def change(**values):
    return [Parameter(name.replace('__', '.'), value=value) for name, value in values.items()]


def flat(tree, prefix=''):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f'{prefix}{key}.')
        else:
            yield f'{prefix}{key}', value


def test_file_holds_every_default_with_its_type():
    text = re.sub(r'^( +)# (\w+: \S+)$', r'\1\2', parameter_file(), flags=re.MULTILINE)
    values = dict(flat(yaml.safe_load(text)['/**']['ros__parameters']))
    assert values == DEFAULTS
    assert {name: type(value) for name, value in values.items()} == {
        name: type(value) for name, value in DEFAULTS.items()}


def test_every_parameter_is_described_and_its_default_in_range():
    for spec in PARAMETERS:
        assert spec.description
        assert spec.minimum is None or spec.minimum <= spec.default <= spec.maximum
        assert not spec.choices or spec.default in spec.choices


@pytest.mark.parametrize('spec', RANGED, ids=lambda spec: spec.name)
def test_descriptor_carries_type_range_and_description(spec):
    descriptor = spec.descriptor()
    limits = (list(descriptor.integer_range) + list(descriptor.floating_point_range))[0]
    assert descriptor.type == spec.type.value
    assert descriptor.description == spec.description
    assert (limits.from_value, limits.to_value) == (spec.minimum, spec.maximum)


def test_tracker_parameters_make_the_default_configuration():
    assert tracker_config(DEFAULTS) == TrackerConfig()


def test_changes_are_taken_together():
    values = changed_values(DEFAULTS, change(tracker__low_score=0.3, tracker__high_score=0.4),
                            configured=True)
    assert (tracker_config(values).low_score, tracker_config(values).high_score) == (0.3, 0.4)


@pytest.mark.parametrize(('changes', 'configured', 'reason'), [
    ({'tracker__low_score': 0.9}, True, 'low_score 0.9 is above high_score'),
    ({'tracker__confirm_hits': 0}, True, 'from 1 to 100'),
    ({'tracker__lost_secs': 1.0}, True, "did you mean 'tracker.lost_seconds'"),
    ({'class_id': 'both'}, True, 'name, index'),
    ({'model': 'other'}, True, 'cannot change while the node is configured'),
    ({'reliability': 'best'}, False, 'auto, best_effort, reliable'),
])
def test_bad_change_is_refused_whole(changes, configured, reason):
    before = dict(DEFAULTS)
    with pytest.raises(ConfigError, match=reason):
        changed_values(DEFAULTS, [*change(score_threshold=0.2), *change(**changes)], configured)
    assert before == DEFAULTS


def test_model_changes_while_unconfigured():
    assert changed_values(DEFAULTS, change(model='other'), configured=False)['model'] == 'other'


@given(st.floats(0, 1), st.floats(0, 1))
def test_accepted_values_are_those_that_the_tracker_accepts(low, high):
    changes = change(tracker__low_score=low, tracker__high_score=high)
    try:
        values = changed_values(DEFAULTS, changes, configured=True)
    except ConfigError:
        assert low > high
    else:
        assert (values['tracker.low_score'], values['tracker.high_score']) == (low, high)
