# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Teachers and labellers, with networks of a few numbers in place of trained ones."""

from pathlib import Path
import sys

import cv2
import numpy as np
import pytest

openvino = pytest.importorskip('openvino', reason='needs the extra "train"')

from openvino import opset13 as ops  # noqa: E402

from finetrack_ros.datasets.annotations import AnnotatedFrame, Clip  # noqa: E402
from finetrack_ros.datasets.market1501 import Market1501  # noqa: E402
from finetrack_ros.errors import ConfigError, SourceError  # noqa: E402
from finetrack_ros.training.pseudo_labels import PseudoLabels  # noqa: E402
from finetrack_ros.training.teachers import Teachers  # noqa: E402

HEIGHT, WIDTH = 96, 160
A, B, C = [20, 16, 40, 64], [80, 24, 104, 80], [120, 8, 144, 72]


def save(path: Path, outputs, parameter) -> Path:
    openvino.save_model(openvino.Model(outputs, [parameter]), path, compress_to_fp16=False)
    return path


@pytest.fixture(scope='module')
def networks(tmp_path_factory) -> Path:
    """Return a folder of two teachers: mean.xml gives the mean colour, max.xml the brightest."""
    folder = tmp_path_factory.mktemp('networks')
    for name, reduce in (('mean', ops.reduce_mean), ('max', ops.reduce_max)):
        images = ops.parameter([1, 3, 16, 8], np.float32)
        save(folder / f'{name}.xml', [reduce(images, [2, 3], name == 'max')], images)
    return folder


@pytest.fixture
def make_teachers(networks, tmp_path):
    """Return what makes teachers of these names, and notes their progress."""
    def make(*names):
        notes = []
        teachers = Teachers([networks / f'{name}.xml' for name in names], tmp_path / 'cache',
                            notes.append)
        return teachers, notes
    return make


@pytest.fixture
def clip(tmp_path) -> Clip:
    """Return three frames: a blue and a white person, a missing image, nobody."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[16:64, 20:40] = (200, 0, 0)
    image[24:80, 80:104] = (90, 90, 90)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    boxes = np.array([A, B, [0, 0, 30, 5], C, [-40, 0, -20, 50]], np.float32)
    ignore = np.array([False, False, False, True, False])
    ids = np.arange(5)
    nobody = AnnotatedFrame(tmp_path / 'a.png', boxes[:0], ids[:0], ignore[:0])
    return Clip('clip', (AnnotatedFrame(tmp_path / 'a.png', boxes, ids, ignore),
                         AnnotatedFrame(tmp_path / 'gone.png', boxes, ids, ignore), nobody), True)


def test_teachers_say_what_they_see(make_teachers, clip):
    teachers, notes = make_teachers('mean')
    seen, unread, nobody = teachers.of_clip(clip)
    assert teachers.dim == 3
    assert seen.dtype == np.float16
    np.testing.assert_allclose(seen[:2].astype(float), [[1, 0, 0], [3 ** -0.5] * 3], atol=2e-3)
    # Too low, ignored, outside the image; an image that cannot be read; nobody.
    assert np.isnan(seen[2:]).all()
    assert np.isnan(unread).all() and unread.shape == (5, 3)
    assert nobody.shape == (0, 3)
    assert notes == ['6 crops of clip to the teachers']


def test_product_is_the_mean_cosine(make_teachers, clip):
    both = make_teachers('mean', 'max')[0].of_clip(clip)[0][:2].astype(float)
    alone = [make_teachers(name)[0].of_clip(clip)[0][:2].astype(float) for name in ('mean', 'max')]
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, atol=2e-3)
    assert both[0] @ both[1] == pytest.approx(
        np.mean([vectors[0] @ vectors[1] for vectors in alone]), abs=3e-3)


def test_crops_come_by_index(make_teachers, data_root):
    market = Market1501(data_root / 'reid' / 'crops.tar')
    vectors = make_teachers('mean')[0].of_crops(market, list(range(3, 24)))
    assert list(vectors) == list(range(3, 24))
    small = cv2.resize(market.image(23), (8, 16)).mean((0, 1))
    np.testing.assert_allclose(vectors[23].astype(float), small / np.linalg.norm(small), atol=2e-3)


def test_answers_are_kept_and_damaged_ones_found_anew(make_teachers, clip, tmp_path):
    first = make_teachers('mean')[0].of_clip(clip)
    again, notes = make_teachers('mean')
    for one, two in zip(first, again.of_clip(clip), strict=True):
        np.testing.assert_array_equal(one, two)
    assert notes == []
    files = list((tmp_path / 'cache').iterdir())
    assert len(files) == 1, 'no part of a file is left'
    for damage in (files[0].read_bytes()[:-7], files[0].read_bytes()[:20], b''):
        files[0].write_bytes(damage)
        teachers, notes = make_teachers('mean')
        np.testing.assert_array_equal(teachers.of_clip(clip)[0], first[0])
        assert len(notes) == 1
    assert make_teachers('max')[0].of_clip(clip)[0].shape == (5, 3)
    assert len(list((tmp_path / 'cache').iterdir())) == 2, 'another network answers for itself'


def test_images_are_known_by_their_pixels(make_teachers):
    images = [np.full((30, 10, 3), value, np.uint8) for value in (20, 90)]
    teachers, notes = make_teachers('mean')
    first = teachers.of_images('two', images)
    np.testing.assert_array_equal(teachers.of_images('the same', images), first)
    teachers.of_images('others', images[::-1])
    assert notes == ['2 crops of two to the teachers', '2 crops of others to the teachers']


def test_networks_that_do_not_fit_are_named(tmp_path, networks, make_teachers):
    with pytest.raises(SourceError, match=r'none\.xml: this teacher or its \.bin is missing'):
        make_teachers('none')
    (tmp_path / 'bad.xml').write_text('<net')
    (tmp_path / 'bad.bin').write_bytes(b'')
    images, other = (ops.parameter([1, 3, 16, 8], np.float32) for _ in range(2))
    openvino.save_model(openvino.Model([ops.add(images, other)], [images, other]),
                        tmp_path / 'two.xml')
    for name, shape in (('grey', [1, 1, 16, 8]), ('flat', [1, 9]), ('any', [1, 3, -1, 8])):
        images = ops.parameter(shape, np.float32)
        save(tmp_path / f'{name}.xml', [ops.relu(images)], images)
    for name, problem in (('bad', 'cannot be read as an OpenVINO IR'), ('two', 'no single image'),
                          ('grey', 'give a network of images'), ('flat', 'give a network of im'),
                          ('any', 'give a network of images')):
        with pytest.raises(SourceError, match=rf'{name}\.xml: .*{problem}'):
            Teachers([tmp_path / f'{name}.xml'], tmp_path)
    with pytest.raises(SourceError, match='bad.*cannot be read'):
        PseudoLabels([(tmp_path / 'bad.xml', 0.5)], tmp_path)
    with pytest.raises(SourceError, match='has no output of rows'):
        PseudoLabels([(networks / 'mean.xml', 0.5)], tmp_path)


def test_network_of_any_batch_may_teach(tmp_path):
    images = ops.parameter([-1, 3, 16, 8], np.float32)
    path = save(tmp_path / 'any.xml', [ops.reduce_mean(images, [2, 3], False)], images)
    assert Teachers([path], tmp_path).dim == 3


def test_teacher_of_any_name_may_teach(tmp_path, networks):
    folder = tmp_path / 'stra\udcdfe'
    folder.mkdir()
    for suffix in ('.xml', '.bin'):
        (folder / f'12:30{suffix}').write_bytes((networks / f'mean{suffix}').read_bytes())
    assert Teachers([folder / '12:30.xml'], tmp_path).dim == 3


def test_missing_openvino_is_said(networks, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'finetrack_ros.inference.openvino_library', None)
    with pytest.raises(ConfigError, match='OpenVINO, which is not installed'):
        Teachers([networks / 'mean.xml'], tmp_path)


def test_cache_that_cannot_be_written_is_said(networks, clip, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(SourceError, match='--cache'):
        Teachers([networks / 'mean.xml'], tmp_path / 'file').of_clip(clip)


def ssd(path: Path, *finds: tuple[float, list[int]]) -> Path:
    """Write a detector that finds the same in every image: (score, box) in our frame's pixels."""
    images = ops.parameter([1, 3, 32, 32], np.float32)
    rows = [[0, 1, score, *(np.array(box) / [WIDTH, HEIGHT, WIDTH, HEIGHT])]
            for score, box in finds]
    nothing = ops.multiply(ops.reduce_sum(images, [0, 1, 2, 3], False), np.float32(0))
    rows = ops.constant(np.array(rows, np.float32).reshape(1, 1, -1, 7))
    return save(path, [ops.add(rows, nothing)], images)


def atss(path: Path, *finds: tuple[float, list[int]]) -> Path:
    """Write the same as ATSS gives it: labels beside boxes in pixels of the input, 32 x 64."""
    images = ops.parameter([1, 3, 32, 64], np.float32)
    scale = np.array([64 / WIDTH, 32 / HEIGHT] * 2)
    rows = np.array([[*(np.array(box) * scale), score] for score, box in finds], np.float32)
    nothing = ops.multiply(ops.reduce_sum(images, [0, 1, 2, 3], False), np.float32(0))
    labels = ops.add(ops.constant(np.zeros(len(finds), np.float32)), nothing)
    return save(path, [labels, ops.add(ops.constant(rows.reshape(-1, 5)), nothing)], images)


def completed(clip: Clip, cache: Path, *labellers: tuple[Path, float]) -> list:
    """Return (box, ignored) of the people who were added to the frame without any."""
    frame = PseudoLabels(labellers, cache).complete(clip).frames[2]
    assert (frame.ids == -1).all()
    assert frame.boxes.dtype == np.float32
    return [(box.round().astype(int).tolist(), bool(ignored))
            for box, ignored in zip(frame.boxes, frame.ignore, strict=True)]


def shifted(box: list[int]) -> list[int]:
    return [box[0] + 2, box[1] + 3, box[2] + 2, box[3] + 3]


def test_two_who_agree_add_a_person(clip, tmp_path):
    one = ssd(tmp_path / 'ssd.xml', (0.9, A), (0.6, B), (0.3, C))
    two = atss(tmp_path / 'atss.xml', (0.5, shifted(A)), (0.45, C), (0.1, B))
    assert completed(clip, tmp_path, (one, 0.5), (two, 0.4)) == [
        (A, False), (B, True), (C, True)]
    assert completed(clip, tmp_path, (one, 0.2), (two, 0.05)) == [
        (A, False), (B, False), (C, False)]


def test_any_two_of_three_agree(clip, tmp_path):
    finds = ssd(tmp_path / '1.xml', (0.9, A)), ssd(tmp_path / '2.xml', (0.9, B), (0.8, C)), atss(
        tmp_path / '3.xml', (0.9, shifted(B)))
    assert completed(clip, tmp_path, *((path, 0.5) for path in finds)) == [
        (B, False), (A, True), (C, True)]


def test_labels_stay_and_are_not_repeated(clip, tmp_path):
    one = ssd(tmp_path / 'ssd.xml', (0.9, shifted(A)), (0.9, [5, 70, 25, 94]))
    two = atss(tmp_path / 'atss.xml', (0.9, A), (0.9, [5, 70, 25, 94]))
    labels = PseudoLabels([(one, 0.5), (two, 0.5)], tmp_path).complete(clip)
    frame, before = labels.frames[0], clip.frames[0]
    np.testing.assert_array_equal(frame.boxes[:5], before.boxes)
    np.testing.assert_array_equal(frame.ids, [0, 1, 2, 3, 4, -1])
    np.testing.assert_array_equal(frame.ignore, [*before.ignore, False])
    unread = labels.frames[1]
    np.testing.assert_array_equal(unread.boxes, clip.frames[1].boxes)


def test_finds_are_kept_and_damaged_ones_found_anew(clip, tmp_path):
    cache, notes = tmp_path / 'cache', []
    labellers = [(ssd(tmp_path / 'ssd.xml', (0.9, A)), 0.5),
                 (atss(tmp_path / 'atss.xml', (0.9, A)), 0.5)]

    def boxes():
        return PseudoLabels(labellers, cache, notes.append).complete(clip).frames[2].boxes

    first = boxes()
    np.testing.assert_array_equal(boxes(), first)
    assert notes == ['3 frames of clip to ssd', '3 frames of clip to atss']
    files = sorted(cache.iterdir())
    assert len(files) == 2, 'no part of a file is left'
    whole = files[0].read_bytes()
    for damage in (whole[:-40], whole[:50], b'', b'no zip'):
        notes.clear()
        files[0].write_bytes(damage)
        np.testing.assert_array_equal(boxes(), first)
        assert len(notes) == 1
