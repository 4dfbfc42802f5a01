# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What launch files make of their arguments, and refuse in one sentence, without launch."""

import pytest

from finetrack_ros.errors import ConfigError
from finetrack_ros.ros.config.launching import (
    camera_names,
    check_log_level,
    has_executable,
    number,
    parameter_file,
    remappings,
)

pytestmark = pytest.mark.ros

HEAD = '/**:\n  ros__parameters:\n'


@pytest.mark.parametrize('text', ['front,rear', '[front, rear]', "['front', 'rear']"])
def test_names_of_cameras_are_read_in_each_form(text):
    assert camera_names(text) == ['front', 'rear']


def test_no_names_are_no_cameras():
    assert camera_names('') == camera_names('[]') == camera_names("['']") == []


@pytest.mark.parametrize('text', ['front cam', 'front,rear-left', '1st', 'a,b,a', '/front', 'ä'])
def test_names_that_cannot_stand_in_topics_are_refused(text):
    with pytest.raises(ConfigError, match="'cameras' holds"):
        camera_names(text)


@pytest.mark.parametrize(('cameras', 'topic', 'expected'), [
    ([], '/camera/image_raw', [('image', '/camera/image_raw')]),
    ([], 'image_raw', [('image', 'image_raw')]), ([], '~/image', [('image', '~/image')]),
    (['front'], '/cam', [('front/image', '/cam')]),
    (['a', 'b'], '/{camera}/raw', [('a/image', '/a/raw'), ('b/image', '/b/raw')]),
    (['a', 'b'], '', [])])
def test_topics_are_remapped(cameras, topic, expected):
    assert remappings(cameras, {'image_topic': topic}) == expected


@pytest.mark.parametrize(('cameras', 'topic', 'remedy'), [
    ([], '/cam image', 'give letters, digits'), ([], '/a//b', 'give letters, digits'),
    ([], 'image/', 'give letters, digits'), ([], '/1/image', 'give letters, digits'),
    (['a', 'b'], '/image', 'as in /{camera}/image_raw'),
    ([], '/{camera}/image', 'as in cameras:=front,rear')])
def test_topics_that_are_no_names_or_do_not_go_with_the_cameras_are_refused(
        cameras, topic, remedy):
    with pytest.raises(ConfigError, match='image_topic is') as error:
        remappings(cameras, {'image_topic': topic})
    assert remedy in str(error.value)


def test_log_levels_are_those_of_ros():
    assert check_log_level('debug') == 'debug'
    assert check_log_level('tracker:=WARN') == 'tracker:=WARN'
    for text in ('verbose', '', 'tracker:='):
        with pytest.raises(ConfigError, match='give one of debug, info, warn, error, fatal'):
            check_log_level(text)


def test_numbers_are_read_or_refused():
    assert (number('rate', '2', float), number('max_frames', '7', int)) == (2.0, 7)
    with pytest.raises(ConfigError, match="rate is 'fast': give a number"):
        number('rate', 'fast', float)
    with pytest.raises(ConfigError, match="max_frames is '1.5': give a whole number"):
        number('max_frames', '1.5', int)


@pytest.mark.parametrize('text', [
    HEAD + '    device: cpu\n', 'tracker:\n  ros__parameters:\n    device: cpu\n',
    '/robot:\n  tracker:\n    ros__parameters: {device: cpu}\n', HEAD])
def test_parameter_file_is_taken_as_ros_does(tmp_path, text):
    path = tmp_path / 'mine.yaml'
    path.write_text(text)
    assert parameter_file(str(path)) == str(path)


@pytest.mark.parametrize(('text', 'message'), [
    ('score_threshold: 0.3\n', "'ros__parameters': begin it with two lines"),
    ('tracker:\n  score_threshold: 0.3\n', "'ros__parameters': begin it with two lines"),
    (HEAD + '    device: cpu\nother:\n  device: cpu\n', 'begin it with two lines'),
    ('', 'begin it with two lines'), ('[1, 2]\n', 'begin it with two lines'),
    ('/**: {\n', 'is no YAML')])
def test_parameter_file_that_the_node_could_not_read_is_refused(tmp_path, text, message):
    path = tmp_path / 'mine.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match=r'mine\.yaml') as error:
        parameter_file(str(path))
    assert message in str(error.value)
    assert '\n' not in str(error.value)


def test_parameter_file_that_is_not_there_is_refused(tmp_path):
    for path in (tmp_path / 'nowhere.yaml', tmp_path):
        with pytest.raises(ConfigError, match='cannot be read') as error:
            parameter_file(str(path))
        assert str(path) in str(error.value)


def test_shipped_parameter_file_is_taken(repository):
    assert parameter_file(str(repository / 'config' / 'tracker.yaml'))


def test_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'mine.yaml').write_text(HEAD)
    assert parameter_file('~/mine.yaml') == str(tmp_path / 'mine.yaml')


def test_executables_are_found_where_they_are_installed():
    assert has_executable('finetrack_ros', 'tracker_node')
    assert not has_executable('finetrack_ros', 'no_such_node')
    assert not has_executable('no_such_package', 'no_such_node')
