# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What rviz opens with: the annotated image first, boxes in sight, nothing left to chance."""

import math

import pytest
import yaml

from finetrack_ros.ros.messages.track_conversions import VIEW_WIDTH

pytestmark = pytest.mark.ros

# Of rviz' cameras, from top to bottom.
FIELD_OF_VIEW = math.radians(45)
# Of the view beside the annotated image, as the saved window lays it out.
WIDTH, HEIGHT = 494, 636


@pytest.fixture
def config(repository):
    return yaml.safe_load((repository / 'config' / 'finetrack.rviz').read_text())


def test_boxes_are_shown_and_positions_only_on_request(config):
    displays = {d['Name']: d for d in config['Visualization Manager']['Displays']}
    shown = {name: (d['Enabled'], d['Value']) for name, d in displays.items()}
    assert shown == {'Annotated image': (True, True), 'Boxes': (True, True),
                     'Positions by depth': (False, False)}


def test_view_holds_the_whole_width_of_the_boxes(config):
    view = config['Visualization Manager']['Views']['Current']
    height = 2 * view['Distance'] * math.tan(FIELD_OF_VIEW / 2)
    assert height * WIDTH / HEIGHT >= VIEW_WIDTH
    assert view['Focal Point']['X'] == VIEW_WIDTH / 2


def test_window_is_saved_with_its_panels_and_all_that_rviz_reads(config):
    window = config['Window Geometry']
    state = bytes.fromhex(window['QMainWindow State'])
    assert (window['Hide Left Dock'], window['Hide Right Dock']) == (False, False)
    for name in ('Annotated image', 'Displays', 'Views', 'Tools'):
        assert name.encode('utf-16-be') in state
