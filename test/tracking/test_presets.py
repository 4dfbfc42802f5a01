# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Presets load, say why, and stay plain."""

import pytest

from finetrack_ros.errors import ConfigError
from finetrack_ros.tracking import TrackerConfig
from finetrack_ros.tracking.presets import preset_names, preset_path, preset_values


def load(name):
    return preset_values(name)


def test_the_presets_are_these():
    assert preset_names() == ['dance', 'default', 'mot']


@pytest.mark.parametrize('name', preset_names())
def test_a_preset_is_a_valid_configuration_with_reasons_and_round_numbers(name):
    values = load(name)
    assert TrackerConfig.from_mapping(values) is not None
    assert preset_path(name).read_text(encoding='utf-8').startswith('# ')
    assert all(round(value, 2) == value for value in values.values())


def test_the_default_preset_is_the_default_configuration():
    assert TrackerConfig.from_mapping(load('default')) == TrackerConfig()


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigError, match="'mott': choose one of dance, default, mot"):
        preset_path('mott')
