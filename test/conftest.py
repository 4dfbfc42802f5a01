# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures that every room's tests share."""

import importlib.util
import os
from pathlib import Path
import signal
import sys

import cv2
from hypothesis import settings
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# A checkout without any installation is tested as it stands; else the installed package is.
if importlib.util.find_spec('finetrack_ros') is None:
    sys.path.insert(0, str(REPOSITORY))

# A busy machine is slow, not wrong.
settings.register_profile('patient', deadline=None)
settings.load_profile('patient')

# A shell that starts tests in the background has SIGINT ignored, in all that they start too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope='session')
def repository() -> Path:
    """Return the root folder of the source tree."""
    return REPOSITORY


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Return the folder of evaluation data; skip where this machine does not have it."""
    folder = Path(os.environ.get('FINETRACK_DATA', REPOSITORY.parent / 'shared' / 'data'))
    if not folder.is_dir():
        pytest.skip(f'no evaluation data in {folder}; set FINETRACK_DATA to its folder')
    return folder


class BagRecorder:
    """
    Writes bags through rosbags; messages are (topic, nanoseconds, message).

    A message is an object of rosbags, or a pair of its type and serialised bytes.
    """

    def __init__(self):
        from rosbags.typesys import get_typestore, Stores

        self.store = get_typestore(Stores.ROS2_HUMBLE)

    def make(self, kind, *fields):
        """Return a message of a type such as std_msgs/Header."""
        return self.store.types[kind.replace('/', '/msg/')](*fields)

    def header(self, nanoseconds, frame_id='camera'):
        stamp = self.make('builtin_interfaces/Time', *divmod(nanoseconds, 10**9))
        return self.make('std_msgs/Header', stamp, frame_id)

    def image(self, image, nanoseconds):
        """Return a bgr8 Image [H, W, 3] of this header stamp."""
        height, width = image.shape[:2]
        return self.make('sensor_msgs/Image', self.header(nanoseconds), height, width, 'bgr8', 0,
                         3 * width, image.ravel())

    def compressed(self, image, nanoseconds, suffix='.png'):
        """Return a CompressedImage of this header stamp."""
        return self.make('sensor_msgs/CompressedImage', self.header(nanoseconds), suffix[1:],
                         cv2.imencode(suffix, image)[1].ravel())

    def serialize(self, message):
        """Return type and bytes of a message."""
        kind = message.__msgtype__
        return kind, bytes(self.store.serialize_cdr(message, kind))

    def write(self, path, messages, storage='sqlite3', compression=None):
        """Write a bag, compressed by 'file' or 'message' where asked; return its folder."""
        from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

        writer = Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
        if compression is not None:
            writer.set_compression(CompressionMode[compression.upper()], CompressionFormat.ZSTD)
        connections = {}
        with writer:
            for topic, stamp, message in messages:
                kind, data = message if isinstance(message, tuple) else self.serialize(message)
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, kind, typestore=self.store)
                writer.write(connections[topic], stamp, data)
        return path


@pytest.fixture(scope='session')
def bags() -> BagRecorder:
    """Return what writes bags."""
    pytest.importorskip('rosbags', reason='rosbags is not in this environment')
    return BagRecorder()
