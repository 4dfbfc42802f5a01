# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace

import numpy as np
import pytest

from finetrack_ros.datasets.market1501 import Market1501
from finetrack_ros.detections import Detections
from finetrack_ros.errors import ModelError, SourceError
from finetrack_ros.evaluation.model_report import (
    detection_ap50,
    embed_crops,
    OsnetEmbedder,
    reid_scores,
)
from finetrack_ros.evaluation.reid import colour_histogram
from finetrack_ros.io import read_mot


class MeanColourRunner:
    """Runner whose embedding of a box is the mean colour inside it."""

    embedding_dim = 3

    def embed(self, images, boxes):
        rows = []
        for left, top, right, bottom in boxes[0].astype(int):
            rows.append(images[0][top:bottom, left:right].mean(axis=(0, 1)))
        return [np.array(rows, np.float32)]


@pytest.mark.parametrize('count', [1, 15, 40])
def test_crops_keep_their_order_and_pixels_on_canvases(count):
    random = np.random.default_rng(1)
    crops = list(random.integers(0, 255, (count, 128, 64, 3), np.uint8))
    vectors = embed_crops(MeanColourRunner(), crops)
    np.testing.assert_allclose(vectors, [crop.mean(axis=(0, 1)) for crop in crops], rtol=1e-5)


def test_detector_that_returns_ground_truth_has_full_precision(shared_data):
    rows = read_mot(shared_data / 'mot' / 'TUD-Campus' / 'gt' / 'gt.txt')
    frames = iter(range(36, 72))

    def infer(images, embed):
        boxes = rows.boxes[rows.frames == next(frames)]
        # A car on every person, too: not a person, so it must not count.
        both = np.concatenate([boxes, boxes])
        kind = np.arange(len(both)) // len(boxes)
        return [Detections(both, np.ones(len(both)), kind)]

    runner = SimpleNamespace(class_names=['person', 'car'], infer=infer, model_name='perfect')
    folder = shared_data / 'mot' / 'TUD-Campus'
    assert detection_ap50(runner, folder, 'second-half') == 1
    runner.class_names = ['car']
    with pytest.raises(ModelError, match='person'):
        detection_ap50(runner, folder)


def test_colour_baseline_on_market(shared_data):
    """A sanity bound: far above chance (1 of 100 identities), far below a learned embedding."""
    scores = reid_scores(colour_histogram,
                         Market1501(shared_data / 'reid' / 'market1501_train.tar'))
    assert 10 < scores['rank1'] < 40
    assert scores['rank1'] < scores['rank5'] < scores['rank10']
    assert 5 < scores['map'] < 25


def test_osnet_tells_people_apart(shared_data):
    osnet = OsnetEmbedder(shared_data / 'weights' / 'osnet_x0_25_msmt17.onnx')
    market = Market1501(shared_data / 'reid' / 'market1501_train.tar')
    names = [sample.identity for sample in market.samples]
    first, other = [names.index(identity) for identity in sorted(set(names))[:2]]
    rows = osnet([market.image(i) for i in (first, first + 1, other)])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert rows.shape == (3, 512)
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.1


def test_missing_osnet_is_named(tmp_path):
    with pytest.raises(SourceError, match='OSNet weights'):
        OsnetEmbedder(tmp_path / 'osnet.onnx')
