# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The built messages are those that the rest of the ROS world knows."""

import json
from pathlib import Path

import pytest

index = pytest.importorskip('ament_index_python', reason='ROS 2 is not in this environment')
pytestmark = pytest.mark.ros

# Type hashes of vision_msgs 4.1.1: equal hashes mean that other nodes can subscribe.
HASHES = {
    'Detection2DArray': '214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968',
    'Detection3DArray': '793f5eab9595ac1c0da07873cc859db42eae51f0ee76056db8562515d830e018',
    'LabelInfo': '3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783',
}


@pytest.mark.parametrize('name', HASHES)
def test_vision_msgs_are_the_official_ones(name):
    share = Path(index.get_package_share_directory('vision_msgs'))
    description = json.loads((share / 'msg' / f'{name}.json').read_text())
    hashes = {entry['type_name']: entry['hash_string'] for entry in description['type_hashes']}
    assert hashes[f'vision_msgs/msg/{name}'] == f'RIHS01_{HASHES[name]}'


def test_embeddings_have_the_documented_fields():
    from finetrack_ros.msg import TrackEmbeddings

    assert TrackEmbeddings.get_fields_and_field_types() == {
        'header': 'std_msgs/Header', 'ids': 'sequence<string>', 'dim': 'uint32',
        'data': 'sequence<float>'}


def test_installed_package_has_its_files():
    share = Path(index.get_package_share_directory('finetrack_ros'))
    assert (share / 'config' / 'tracker.yaml').is_file()
    executables = share.parents[1] / 'lib' / 'finetrack_ros'
    assert {'finetrack', 'tracker_node', 'video_player_node'} <= {
        p.name for p in executables.iterdir()}
