# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Virtual videos composed from identity crops, and the augmentations."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from finetrack_ros.errors import ConfigError
from finetrack_ros.training.augment import AugmentConfig, pad, photometric, random_view
from finetrack_ros.training.compose import (
    ComposeConfig,
    place_people,
    truncate,
    VirtualVideoComposer,
)
from finetrack_ros.training.restyle import restyle

SIZE = (160, 192)
CONFIG = ComposeConfig(people=(3, 5), height=(16, 60))
PLAIN = AugmentConfig(hue=0, saturation=0, value=0, blur=0, jpeg=0, close=0, dim=0, cast=0,
                      small=0)
seeds = st.integers(0, 10_000)


def make_composer(identities=8, cameras=2, crops=4, config=CONFIG, augment=PLAIN, read=None,
                  unknown=()):
    """
    Return a composer whose crops are flat: blue 10 * identity, red the crop index.

    The index of each crop used is appended to ``read``.
    """
    table = {identity: [(identity * crops + number, number % cameras) for number in range(crops)]
             for identity in range(identities)}

    def read_crop(index):
        if read is not None:
            read.append(index)
        return np.full((128, 64, 3), (10 * (index // crops), 0, index), np.uint8)

    return VirtualVideoComposer(
        table, read_crop, 3, lambda index: np.full((90, 120, 3), 250, np.uint8), SIZE, config,
        augment, unknown)


@settings(deadline=None, max_examples=30)
@given(seed=seeds)
def test_same_people_in_each_frame(seed):
    frames = make_composer().compose(4, np.random.default_rng(seed))
    people = set(frames[0].ids)
    for frame in frames:
        assert frame.image.shape == (*SIZE, 3)
        assert frame.image.dtype == np.uint8
        assert frame.boxes.dtype == np.float32
        assert len(frame.boxes) == len(frame.ids) == len(set(frame.ids))
        assert people == set(frame.ids)
    assert 3 <= len(people) <= 5


@settings(deadline=None, max_examples=30)
@given(seed=seeds, identities=st.integers(0, 8), strangers=st.integers(0, 6),
       share=st.floats(0, 1), people=st.tuples(st.integers(1, 4), st.integers(0, 4)))
def test_ids_crops_and_boxes_belong_together(seed, identities, strangers, share, people):
    config = replace(CONFIG, people=(people[0], sum(people)), unknown=share)
    unknown = list(range(100, 100 + strangers))
    if identities < config.people[1] and not (unknown and identities + strangers):
        with pytest.raises(ConfigError, match='identities'):
            make_composer(identities, config=config, unknown=unknown)
        return
    composer = make_composer(identities, config=config, unknown=unknown)
    for frame in composer.compose(3, np.random.default_rng(seed)):
        assert frame.ids.dtype == frame.crops.dtype == np.int64
        assert frame.boxes.shape == (len(frame.ids), 4)
        assert len(frame.crops) == len(set(frame.crops)) == len(frame.ids)
        assert len(frame.ids) <= config.people[1]
        for identity, crop in zip(frame.ids, frame.crops, strict=True):
            assert crop in unknown if identity < 0 else crop // 4 == identity
        assert (frame.ids >= -1).all()


def test_strangers_have_their_share_and_stay():
    config = replace(CONFIG, people=(5, 5), height=(16, 30), unknown=0.4)
    frames = make_composer(config=config, unknown=range(100, 120)).compose(
        4, np.random.default_rng(0))
    strangers = [set(frame.crops[frame.ids < 0]) for frame in frames]
    assert all(len(frame.ids) == 5 for frame in frames)
    assert len(strangers[0]) == 2
    assert all(crops == strangers[0] for crops in strangers)


@settings(deadline=None)
@given(seed=seeds, height=st.integers(1, 60), width=st.integers(1, 30))
def test_truncated_crop_is_a_part_of_it(seed, height, width):
    crop = np.arange(height * width * 3, dtype=np.int64).reshape(height, width, 3)
    part = truncate(crop, np.random.default_rng(seed), replace(CONFIG, truncate=1))
    assert part.size
    top, left = divmod(int(part[0, 0, 0]) // 3, width)
    same = crop[top:top + part.shape[0], left:left + part.shape[1]]
    np.testing.assert_array_equal(part, same)
    assert part.shape[0] >= height // 2
    assert part.shape[1] >= width // 2
    assert truncate(crop, np.random.default_rng(seed), replace(CONFIG, truncate=0)) is crop


@pytest.mark.parametrize('shape', [
    (1, 1), (2, 40), (128, 64), (400, 3)])
def test_crop_of_any_size_is_pasted(shape):
    config = replace(CONFIG, people=(1, 1), erase=1, truncate=1, coarse=1)
    composer = VirtualVideoComposer(
        {0: [(0, 0)]}, lambda index: np.zeros((*shape, 3), np.uint8), 1,
        lambda index: np.zeros((7, 5, 3), np.uint8), SIZE, config, AugmentConfig())
    for seed in range(5):
        frame = composer.compose(1, np.random.default_rng(seed))[0]
        assert frame.image.shape == (*SIZE, 3)
        assert len(frame.boxes) == 1


def test_other_clothes_have_other_colours():
    crop = np.full((100, 40, 3), (40, 60, 200), np.uint8)
    first, again, other = (restyle(crop, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert first.shape == crop.shape
    assert first.dtype == np.uint8
    assert np.abs(first.astype(int) - other).mean() > 5
    assert np.abs(first[:30].astype(int).mean((0, 1)) - first[70:].mean((0, 1))).max() > 5


def test_video_is_a_function_of_the_seed():
    first, second, other = (make_composer(augment=AugmentConfig()).compose(
        2, np.random.default_rng(seed)) for seed in (1, 1, 2))
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.image, two.image)
        np.testing.assert_array_equal(one.boxes, two.boxes)
        np.testing.assert_array_equal(one.ids, two.ids)
    assert not np.array_equal(first[0].image, other[0].image)


def test_box_shows_the_identity():
    config = replace(CONFIG, gain=0, erase=0, coarse=0, max_overlap=0)
    frame = make_composer(config=config).compose(1, np.random.default_rng(3))[0]
    for box, identity in zip(frame.boxes.astype(int), frame.ids, strict=True):
        centre = frame.image[(box[1] + box[3]) // 2, (box[0] + box[2]) // 2]
        assert abs(int(centre[0]) - 10 * identity) <= 6 * identity / 10 + 6


def test_views_of_a_person_come_from_different_crops_and_cameras():
    read = []
    frames = make_composer(cameras=4, read=read).compose(4, np.random.default_rng(0))
    shown = sum(len(frame.ids) for frame in frames)
    assert len(read) == len(set(read)) == shown


@settings(deadline=None)
@given(seed=seeds, count=st.integers(1, 30))
def test_places_lie_in_the_frame_with_little_overlap(seed, count):
    config = replace(CONFIG, height=(16, 150), max_overlap=0.2)
    boxes, kept = place_people(count, SIZE, np.random.default_rng(seed), config)
    assert len(boxes) == len(kept) == len(set(kept)) <= count
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= SIZE[::-1]).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    for index, box in enumerate(boxes):
        for other in boxes[:index]:
            sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
            smaller = min((box[2:] - box[:2]).prod(), (other[2:] - other[:2]).prod())
            assert np.clip(sides, 0, None).prod() <= 0.2 * smaller


def test_too_few_identities_or_no_background_is_an_error():
    with pytest.raises(ConfigError, match='only 4 identities'):
        make_composer(identities=4)
    with pytest.raises(ConfigError, match='backgrounds = 0'):
        VirtualVideoComposer({number: [(0, 1)] for number in range(8)}, np.zeros, 0, np.zeros,
                             SIZE, CONFIG, PLAIN)


@pytest.mark.parametrize('values', [{'people': (5, 3)}, {'people': (0, 3)}, {'height': (90, 30)},
                                    {'erase': 1.5}, {'unknown': -0.1}, {'gain': -1}])
def test_bad_config_is_named(values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        ComposeConfig(**values)


@settings(deadline=None)
@given(seed=seeds, height=st.integers(1, 40), width=st.integers(1, 40))
def test_view_of_tiny_images(seed, height, width):
    box = np.array([[0, 0, width, height]], np.float32)
    view = random_view(np.zeros((height, width, 3), np.uint8), box, (32, 32),
                       np.random.default_rng(seed), AugmentConfig(close=1))
    assert view.image.size
    assert max(view.image.shape[:2]) <= 32
    assert (view.boxes >= 0).all()


def test_close_person_is_cut_off():
    image = np.zeros((100, 160, 3), np.uint8)
    box = np.array([[60, 10, 100, 90]], np.float32)
    config = replace(PLAIN, close=1, close_height=(2, 2.5))
    views = [random_view(image, box, SIZE, np.random.default_rng(seed), config)
             for seed in range(40)]
    assert all(view.visible[0] < 0.9 for view in views)
    assert np.mean([np.ptp(view.boxes[0, [1, 3]]) for view in views]) > SIZE[0] * 0.6


@settings(deadline=None)
@given(seed=seeds, height=st.integers(40, 300), width=st.integers(40, 300))
def test_view_keeps_boxes_on_their_pixels(seed, height, width):
    rng = np.random.default_rng(seed)
    image = np.zeros((height, width, 3), np.uint8)
    box = np.array([[width * 0.3, height * 0.3, width * 0.7, height * 0.7]], np.float32)
    left, top, right, bottom = box[0].astype(int)
    image[top:bottom, left:right] = 255
    view = random_view(image, box, SIZE, rng, PLAIN)
    assert view.image.shape[0] <= SIZE[0]
    assert view.image.shape[1] <= SIZE[1]
    assert 0 <= view.visible[0] <= 1 + 1e-5
    x, y = ((view.boxes[0, :2] + view.boxes[0, 2:]) / 2).astype(int)
    if view.visible[0] > 0.3:
        assert view.image[y, x].min() > 200
    edge = view.image[..., 0] > 128
    area = (view.boxes[0, 2:] - view.boxes[0, :2]).prod()
    assert edge.sum() == pytest.approx(area, rel=0.25, abs=60)


def test_view_takes_an_image_without_people():
    view = random_view(np.zeros((50, 80, 3), np.uint8), np.zeros((0, 4), np.float32), SIZE,
                       np.random.default_rng(0), AugmentConfig())
    assert view.boxes.shape == (0, 4)
    assert view.visible.shape == (0,)


def test_photometric_without_strength_changes_little():
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    changed = photometric(image, np.random.default_rng(0), PLAIN)
    assert np.abs(changed.astype(int) - image).max() <= 6
    strong = photometric(image, np.random.default_rng(0), AugmentConfig(
        blur=1, jpeg=1, dim=1, cast=1, small=1))
    assert strong.shape == image.shape
    assert np.abs(strong.astype(int) - image).mean() > 10


def test_padding_is_grey_at_bottom_and_right():
    padded = pad(np.full((3, 4, 3), 9, np.uint8), (6, 5))
    assert (padded[:3, :4] == 9).all()
    assert (padded[3:] == 114).all()
    assert (padded[:, 4:] == 114).all()
