# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node's configuration is made whole from its parameters, and stays as it was made."""

import dataclasses

import pytest

from finetrack_ros.errors import ConfigError
from finetrack_ros.ros.config.node_config import NodeConfig
from finetrack_ros.ros.config.parameters import PARAMETERS
from finetrack_ros.tracking import TrackerConfig

pytestmark = pytest.mark.ros


def test_the_defaults_of_the_table_make_the_default_configuration():
    assert NodeConfig.of({spec.name: spec.default for spec in PARAMETERS}) == NodeConfig()
    assert NodeConfig.of({}) == NodeConfig()


def test_each_parameter_has_its_place():
    config = NodeConfig.of({'cameras': ['front', 'rear'], 'score_threshold': 0.3, 'depth': True,
                            'min_rate': 5.0, 'tracker.high_score': 0.7})
    assert config.cameras == ['front', 'rear']
    assert config.detection.score_threshold == config.model.score_threshold == 0.3
    assert (config.positions.depth, config.diagnostics.min_rate) == (True, 5.0)
    assert config.tracker == TrackerConfig(high_score=0.7)


def test_nothing_in_it_can_change():
    config = NodeConfig.of({'classes': ['dog']})
    assert config.model.classes == ('dog',)
    for part in (config, config.model, config.tracker):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, dataclasses.fields(part)[0].name, None)


def test_a_bad_value_of_the_tracker_is_refused():
    with pytest.raises(ConfigError, match='high_score'):
        NodeConfig.of({'tracker.high_score': 2.0})
