# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The worker's steps on frames of several cameras, without topics."""

from types import SimpleNamespace

import numpy as np
import pytest

from finetrack_ros.detections import Detections
from finetrack_ros.geometry import InputRule
from finetrack_ros.ros.config.node_config import NodeConfig
from finetrack_ros.ros.node.batch import BatchProcessor
from finetrack_ros.ros.node.camera import Work

pytestmark = pytest.mark.ros

BOXES = Detections(np.array([[0, 0, 9, 9], [5, 5, 9, 9]]), np.ones(2), np.arange(2))


class Camera:
    """Gives out the frames that it is made with, and keeps what is found in them."""

    def __init__(self, image, detections=None, labels=()):
        self.work = Work(self, None, image, detections, labels, 0.0, 0.0, 0.0)
        self.found, self.batches = [], []

    def decode(self, frame, settings):
        return self.work

    def finish(self, work, detections, seconds, batch, settings):
        self.found.append(detections)
        self.batches.append(batch)

    def fail(self, error):
        raise error


def process(cameras, runner, **values):
    config = NodeConfig.of(values)
    processor = BatchProcessor(runner, lambda: config)
    processor.process([SimpleNamespace(camera=camera) for camera in cameras.values()])


def image(height, width):
    return np.zeros((height, width, 3), np.uint8)


def test_images_of_other_sizes_go_apart_and_those_of_one_size_together():
    sizes = {'front': (480, 640), 'rear': (240, 320), 'left': (480, 640), 'top': (640, 480)}
    cameras = {name: Camera(image(*size)) for name, size in sizes.items()}
    asked = []
    runner = SimpleNamespace(
        input_size=InputRule(), infer=lambda images, options: asked.append(options) or [
            Detections.empty(2)] * len(images))
    process(cameras, runner, classes=['person'])
    assert {name: camera.batches for name, camera in cameras.items()} == {
        'front': [2], 'left': [2], 'rear': [1], 'top': [1]}
    assert {options.classes for options in asked} == {('person',)}


def test_foreign_boxes_are_embedded_by_their_class_names():
    given = []

    def embed(images, boxes, labels):
        given.append(labels)
        return [np.ones((len(rows), 2), np.float32) for rows in boxes]
    camera = Camera(image(48, 64), BOXES, ['person', 'dog'])
    process({'': camera}, SimpleNamespace(input_size=64, embed=embed), detector='topic')
    assert given == [[['person', 'dog']]]
    assert camera.found[0].embeddings.shape == (2, 2)


@pytest.mark.parametrize(('classes', 'wanted'), [
    ([''], set()), (['all'], set()), (['cat', ''], {'cat'})])
def test_foreign_classes_that_are_tracked(classes, wanted):
    assert NodeConfig.of({'classes': classes}).foreign_classes == wanted
