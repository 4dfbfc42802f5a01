# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters describe and guard themselves."""

import dataclasses

import pytest

from finetrack_ros.errors import ConfigError
from finetrack_ros.tracking import TrackerConfig

FIELDS = dataclasses.fields(TrackerConfig)


@pytest.mark.parametrize('field', FIELDS, ids=lambda field: field.name)
def test_every_field_is_described_and_guards_its_range(field):
    assert field.metadata['description']
    bad = 'sometimes' if 'choices' in field.metadata else field.metadata['maximum'] + 1
    with pytest.raises(ConfigError, match=field.name):
        TrackerConfig(**{field.name: bad})
    if 'choices' not in field.metadata:
        with pytest.raises(ConfigError, match=field.name):
            TrackerConfig(**{field.name: field.metadata['minimum'] - 1})


@pytest.mark.parametrize('bad', ['high', True, None, float('nan')])
def test_a_number_must_be_a_number(bad):
    with pytest.raises(ConfigError, match='high_score'):
        TrackerConfig(high_score=bad)


def test_a_count_must_be_whole():
    with pytest.raises(ConfigError, match='whole number'):
        TrackerConfig(confirm_hits=2.5)


def test_low_score_may_not_exceed_high_score():
    with pytest.raises(ConfigError, match='low_score'):
        TrackerConfig(low_score=0.8, high_score=0.5)


def test_from_mapping_takes_known_keys():
    assert TrackerConfig.from_mapping({'high_score': 0.5}) == TrackerConfig(high_score=0.5)


def test_from_mapping_names_the_close_match():
    with pytest.raises(ConfigError, match="'hihg_score': did you mean 'high_score'"):
        TrackerConfig.from_mapping({'hihg_score': 0.5})
