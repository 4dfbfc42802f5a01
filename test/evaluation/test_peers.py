# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import sys

import numpy as np
import pytest

from finetrack_ros.datasets import Market1501
from finetrack_ros.errors import ConfigError, ModelError, SourceError
from finetrack_ros.evaluation.detection_sets import read_detection_set
from finetrack_ros.evaluation.peers import open_model_zoo, OSNET, OsnetEmbedder, YoloxDetector
from finetrack_ros.geometry import box_iou
from finetrack_ros.inference.preprocessing import letterbox


@pytest.fixture(scope='module')
def yolox_path(shared_data):
    return shared_data / 'weights' / 'yolox_nano.onnx'


@pytest.fixture(scope='module')
def street(shared_data):
    return read_detection_set('TUD-Campus', shared_data).frames[20]


@pytest.mark.parametrize('size', [None, 640])
def test_yolox_finds_people(yolox_path, street, size):
    if size:
        pytest.importorskip('onnx', reason='needs onnx to free the size of the graph')
    found = YoloxDetector(yolox_path, size, score_threshold=0.3)(street.read())
    assert (box_iou(street.boxes[~street.ignore], found.boxes).max(axis=1) > 0.6).mean() > 0.6
    assert (np.diff(found.scores) <= 0).all()


def test_freeing_the_size_changes_nothing_else(yolox_path, street):
    pytest.importorskip('onnx', reason='onnx is not in this environment')
    image = street.read()
    own, freed = YoloxDetector(yolox_path), YoloxDetector(yolox_path, (416, 416))
    assert own.size_in_words == freed.size_in_words == '416x416'
    np.testing.assert_array_equal(own(image).boxes, freed(image).boxes)


def test_yolox_at_other_sizes_is_that_of_torch(yolox_path, street):
    torch = pytest.importorskip('torch', reason='torch is not in this environment')
    from finetrack_ros.models.checkpoint import load_yolox_onnx
    from finetrack_ros.models.yolox import anchor_points, decode, YOLOX

    load_yolox_onnx(model := YOLOX('nano').eval(), yolox_path)
    image = street.read()
    batch, ratios = letterbox([image], 320)
    with torch.no_grad():
        raw, maps = model(torch.tensor(batch).permute(0, 3, 1, 2).float())
        boxes, scores = decode(raw, *anchor_points(maps))
    best = int(scores[0, :, 0].argmax())
    found = YoloxDetector(yolox_path, 320)(image)
    assert found.scores[0] == pytest.approx(float(scores[0, best, 0]), abs=1e-3)
    np.testing.assert_allclose(found.boxes[0], boxes[0, best] / ratios[0], atol=0.1)


def test_yolox_that_is_none_is_named(tmp_path, shared_data):
    with pytest.raises(SourceError, match='YOLOX weights'):
        YoloxDetector(tmp_path / 'yolox.onnx')
    (tmp_path / 'damaged.onnx').write_bytes(b'nothing')
    for size in (None, 640):
        with pytest.raises(ModelError, match='damaged'):
            YoloxDetector(tmp_path / 'damaged.onnx', size)
    with pytest.raises(ModelError, match='5 \\+ classes'):
        YoloxDetector(shared_data / OSNET)


def tells_people_apart(embedder, market):
    names = [sample.identity for sample in market.samples]
    first, other = [names.index(identity) for identity in sorted(set(names))[:2]]
    rows = embedder([market.image(i) for i in (first, first + 1, other)])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows[0] @ rows[1] > rows[0] @ rows[2] + 0.1


def test_osnet_tells_people_apart(shared_data):
    market = Market1501(shared_data / 'reid' / 'market1501_train.tar')
    assert tells_people_apart(OsnetEmbedder(shared_data / OSNET), market)


def test_networks_of_the_zoo_tell_people_apart(shared_data):
    pytest.importorskip('openvino', reason='openvino is not in this environment')
    market = Market1501(shared_data / 'reid' / 'market1501_train.tar')
    networks = open_model_zoo(shared_data)
    assert sorted(networks) == ['retail-0277', 'retail-0286', 'retail-0288']
    assert all(tells_people_apart(network, market) for network in networks.values())


def test_missing_peers_are_named(tmp_path, monkeypatch):
    with pytest.raises(SourceError, match='OSNet weights'):
        OsnetEmbedder(tmp_path / 'osnet.onnx')
    with pytest.raises(SourceError, match='openvino'):
        open_model_zoo(tmp_path)
    folder = tmp_path / 'weights' / 'openvino'
    folder.mkdir(parents=True)
    (folder / 'person-reidentification-retail-1.xml').write_text('<net/>')
    monkeypatch.setitem(sys.modules, 'finetrack_ros.inference.openvino_library', None)
    with pytest.raises(ConfigError, match='pip install openvino'):
        open_model_zoo(tmp_path)


def test_damaged_network_of_the_zoo_is_named(tmp_path):
    pytest.importorskip('openvino', reason='openvino is not in this environment')
    folder = tmp_path / 'weights' / 'openvino'
    folder.mkdir(parents=True)
    (folder / 'person-reidentification-retail-1.xml').write_text('<net/>')
    with pytest.raises(SourceError, match='retail-1'):
        open_model_zoo(tmp_path)
