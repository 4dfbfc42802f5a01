# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What the launch files make of their arguments, and refuse before anything is started.

A process that runs when another part of a launch file raises an exception is left behind by
``ros2 launch``. So everything that can fail is done here, first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
import re
from typing import Any

from ament_index_python.packages import get_package_prefix, PackageNotFoundError
import yaml

from finetrack_ros.errors import ConfigError
from finetrack_ros.io.ros_parameters import holds_parameters, PARAMETERS_KEY

#: Launch arguments that name topics, and the node's names for them.
TOPICS = {'image_topic': 'image', 'detections_topic': 'detections', 'depth_topic': 'depth',
          'camera_info_topic': 'camera_info'}
#: Stands in a topic for the name of each camera.
CAMERA = '{camera}'

_CAMERA_NAME = re.compile('[A-Za-z][A-Za-z0-9_]*')
_TOPIC = re.compile(r'(/|~/)?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*')
_LEVELS = ('debug', 'info', 'warn', 'error', 'fatal')


def camera_names(text: str) -> list[str]:
    """
    Return the names in 'front,rear', '[front, rear]' or "['front', 'rear']".

    :raises ConfigError: where one cannot stand in a topic, or stands there twice.
    """
    names = [name.strip(' \'"') for name in text.strip(' []').split(',')]
    names = [name for name in names if name]
    check_cameras(names, "the launch argument 'cameras'")
    return names


def check_cameras(names: Sequence[str], what: str) -> None:
    """Raise ConfigError where the names of cameras cannot stand in topics."""
    for name in names:
        if not _CAMERA_NAME.fullmatch(name):
            raise ConfigError(f'{what} holds {name!r}: give names of letters, digits and '
                              'underscores that begin with a letter')
        if list(names).count(name) > 1:
            raise ConfigError(f'{what} holds {name!r} more than once: give each camera a name of '
                              'its own')


def remappings(cameras: Sequence[str], given: Mapping[str, str]) -> list[tuple[str, str]]:
    """
    Return what takes each camera's topics to those that were given.

    :param cameras: names; none for one camera with the plain topics.
    :param given: topics, '' for those that were not given, by their arguments' names.
    :raises ConfigError: where a topic is no name, several cameras would subscribe to one topic, or
        a topic has a camera's name in it and none are given.
    """
    pairs = []
    for argument, topic in given.items():
        if not topic:
            continue
        if len(cameras) > 1 and CAMERA not in topic:
            raise ConfigError(f"{argument} is '{topic}' for the cameras {', '.join(cameras)}: put "
                              f'{CAMERA} where the name stands, as in /{CAMERA}/image_raw')
        if not cameras and CAMERA in topic:
            raise ConfigError(f"{argument} is '{topic}' and no cameras are given: give their "
                              'names, as in cameras:=front,rear')
        for camera in cameras or ['']:
            name = f'{camera}/{TOPICS[argument]}' if camera else TOPICS[argument]
            pairs.append((name, _topic(argument, topic.replace(CAMERA, camera))))
    return pairs


def _topic(argument: str, topic: str) -> str:
    if not _TOPIC.fullmatch(topic):
        raise ConfigError(f"{argument} is '{topic}', which is no name of a topic: give letters, "
                          'digits, underscores and slashes, as in /camera/image_raw')
    return topic


def check_log_level(text: str) -> str:
    """
    Return the level, or the logger and its level as in ``tracker:=debug``, that was given.

    :raises ConfigError: where there is no such level.
    """
    if text.rpartition(':=')[2].lower() not in _LEVELS:
        raise ConfigError(f"log_level is '{text}': give one of {', '.join(_LEVELS)}")
    return text


def number(argument: str, text: str, kind: type[int] | type[float]) -> Any:
    """
    Return the number that an argument holds.

    :raises ConfigError: where it holds none.
    """
    try:
        return kind(text)
    except ValueError:
        words = 'a whole number' if kind is int else 'a number'
        raise ConfigError(f"{argument} is '{text}': give {words}") from None


def parameter_file(text: str) -> str:
    """
    Return the path of a parameter file that the node can read.

    :raises ConfigError: where it is missing, no YAML, or holds no ROS parameters.
    """
    path = Path(text).expanduser()
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise ConfigError(f"params_file '{text}' cannot be read ({error.strerror}): give the path "
                          'of a parameter file such as a copy of config/tracker.yaml') from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        reason = ' '.join(str(error).split())
        raise ConfigError(f"params_file '{text}' is no YAML: {reason}") from error
    if not holds_parameters(content):
        raise ConfigError(
            f"params_file '{text}' does not have its parameters under a node's name and "
            f"'{PARAMETERS_KEY}': begin it with two lines, '/**:' and below it "
            f"'  {PARAMETERS_KEY}:', "
            'as config/tracker.yaml does')
    return str(path)


def has_executable(package: str, executable: str) -> bool:
    """Return whether a ROS package with this executable is installed."""
    try:
        prefix = get_package_prefix(package)
    except PackageNotFoundError:
        return False
    return Path(prefix, 'lib', package, executable).is_file()
