# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training batches as the Lightning module gets them."""

from dataclasses import replace
import logging
from pathlib import Path
import shutil

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='needs the extra "train"')
pytest.importorskip('lightning', reason='needs the extra "train"')

from finetrack_ros.datasets.annotations import AnnotatedFrame, Clip  # noqa: E402
from finetrack_ros.datasets.market1501 import Market1501  # noqa: E402
from finetrack_ros.errors import ConfigError, FinetrackError, SourceError  # noqa: E402
from finetrack_ros.training.crop_pool import CropPool, MAX_HEIGHT  # noqa: E402
from finetrack_ros.training.data import FineTrackData, number_identities  # noqa: E402
from finetrack_ros.training.recipe import load_recipe  # noqa: E402


@pytest.fixture
def make_data(data_root, make_recipe, tmp_path):
    """Return what makes the data of the small recipe, with sections changed."""
    def make(root=data_root, **changes):
        changes['train'] = {'steps': 6, **changes.get('train', {})}
        return FineTrackData(make_recipe(**changes), root, tmp_path / 'cache')
    return make


@pytest.fixture
def own_root(data_root, tmp_path):
    """Return a copy of the small data folder that may be damaged."""
    return Path(shutil.copytree(data_root, tmp_path / 'own'))


def assert_same(batches, others):
    assert len(batches) == len(others)
    for batch, other in zip(batches, others, strict=True):
        assert torch.equal(batch.images, other.images)
        for targets, expected in zip(batch.targets, other.targets, strict=True):
            assert targets.detect == expected.detect
            for value, wanted in zip(targets[:-1], expected[:-1], strict=True):
                torch.testing.assert_close(value, wanted, rtol=0, atol=0, equal_nan=True)


def test_batch_has_real_then_composed_frames(make_data):
    data = make_data(train={'steps': 12})
    batches = list(data.train_dataloader())
    assert len(batches) == 12
    assert data.num_identities == 4 + 1, 'four trained Market ids, one person in the sequence'
    for batch in batches:
        assert batch.images.dtype == torch.uint8
        assert batch.images.shape == (len(batch.targets), 3, 96, 96)
        detect = [targets.detect for targets in batch.targets]
        assert detect == sorted(detect, reverse=True)
        assert detect.count(False) == 2
        for targets in batch.targets:
            assert targets.boxes.dtype == targets.regions.dtype == torch.float32
            assert targets.ids.dtype == torch.int64
            assert targets.ignore.dtype == torch.bool
            assert len({len(value) for value in targets[:-1]}) == 1
            assert targets.teacher.shape[1] == 0
            assert (targets.boxes[:, 2:] > targets.boxes[:, :2]).all()
            assert (targets.boxes >= 0).all()
            assert (targets.boxes <= 96).all()
            assert (targets.regions[:, 2:] > targets.regions[:, :2]).all()
            assert (targets.ids[targets.ignore] == -1).all()


def test_real_people_are_known_by_their_number(make_data):
    real, composed = set(), set()
    for batch in make_data(train={'steps': 20}).train_dataloader():
        for targets in batch.targets:
            (real if targets.detect else composed).update(targets.ids.tolist())
    assert real == {-1, 4}
    # The person of the sequence is composed, too, and so are unknown people of the stills.
    assert composed == {-1, 0, 1, 2, 3, 4}


def test_seed_decides_and_worker_processes_change_nothing(make_data):
    first = list(make_data().train_dataloader())
    assert_same(first, list(make_data(data={'num_workers': 2}).train_dataloader()))
    other = list(make_data(data={'seed': 1}).train_dataloader())
    assert not torch.equal(first[0].images[-1], other[0].images[-1])


def test_frames_may_teach_one_thing_alone(make_data):
    frames = [{'format': 'mot', 'path': 'mot/street', 'identities': False},
              {'format': 'yolo', 'path': 'det/stills', 'detect': False, 'appearance': False}]
    data = make_data(frames=frames, data={'composed_frames': 0})
    seen = [targets for batch in data.train_dataloader() for targets in batch.targets]
    assert data.num_identities == 4
    assert {targets.detect for targets in seen} == {True, False}
    assert all((targets.ids == -1).all() for targets in seen)


def test_annotations_may_be_empty(make_data, own_root):
    for label in (own_root / 'det' / 'stills' / 'labels').glob('*.txt'):
        label.write_text('')
    data = make_data(own_root, frames=[{'format': 'yolo', 'path': 'det/stills'}])
    real = [targets for batch in data.train_dataloader() for targets in batch.targets
            if targets.detect]
    assert {tuple(targets.boxes.shape) for targets in real} == {(0, 4)}


def test_damaged_images_are_skipped_and_counted(make_data, own_root, caplog):
    (own_root / 'mot' / 'street' / 'img1' / '000003.jpg').write_bytes(b'\xff\xd8 no image')
    crop = np.random.default_rng(0).integers(0, 256, (128, 64, 3), dtype=np.uint8)
    folder = own_root / 'reid' / 'crops'
    folder.mkdir()
    for number in range(4):
        cv2.imwrite(str(folder / f'{number + 1:04d}_c1s1_000451_03.jpg'), crop)
    (folder / '0001_c2s1_000451_03.jpg').write_bytes(b'')
    data = make_data(own_root, crops=[{'path': 'reid/crops'}],
                     frames=[{'format': 'mot', 'path': 'mot/street'}], train={'steps': 6})
    with caplog.at_level(logging.WARNING):
        batches = list(data.train_dataloader())
    assert [len(batch.targets) for batch in batches] == [4] * 6
    assert data.num_identities == 4 + 1
    assert data.skipped >= 2, 'one crop, and the frame each time that its turn came'
    assert sum('000003.jpg' in record.message for record in caplog.records) == 1


def test_nothing_but_damaged_images_is_an_error(make_data, own_root):
    for image in (own_root / 'mot' / 'street' / 'img1').iterdir():
        image.write_bytes(b'no image')
    data = make_data(own_root, frames=[{'format': 'mot', 'path': 'mot/street'}])
    with pytest.raises(SourceError, match='none of its 12 images can be read'):
        list(data.train_dataloader())


@pytest.mark.parametrize(('changes', 'problem'), [
    ({'frames': []}, 'there is no image'),
    ({'crops': [], 'frames': [{'format': 'yolo', 'path': 'det/stills'}]},
     "nobody's identity is known.*train.appearance"),
    ({'frames': [{'format': 'yolo', 'path': 'det/stills', 'detect': False}]}, 'nothing to learn'),
    ({'frames': [{'format': 'yolo', 'path': 'det/stills', 'complete': False}]}, 'two labellers'),
    ({'frames': [{'format': 'mot', 'path': 'mot/lane'}]}, 'mot/lane'),
    ({'frames': [{'format': 'widgets', 'path': 'det'}]}, "'widgets' is unknown"),
    ({'crops': [{'path': 'reid/none.tar'}]}, 'reid/none.tar'),
    ({'compose': {'people': [40, 50]}}, 'people'),
])
def test_data_that_is_not_there_is_named(make_data, changes, problem):
    data = make_data(**changes)
    if 'compose' in changes:
        data = make_data(**changes, frames=[
            {'format': 'yolo', 'path': 'det/stills', 'appearance': False}])
    with pytest.raises(FinetrackError, match=problem):
        data.setup()


def test_detector_alone_needs_no_identities(make_data):
    data = make_data(crops=[], frames=[{'format': 'yolo', 'path': 'det/stills'}],
                     train={'appearance': False})
    batches = list(data.train_dataloader())
    assert all(targets.detect for batch in batches for targets in batch.targets)
    assert data.num_identities == 0


def test_same_id_in_two_clips_is_two_people():
    def clip(*ids):
        frame = AnnotatedFrame(Path('x.jpg'), np.zeros((len(ids), 4), np.float32),
                               np.array(ids, np.int64), np.array(ids) == 8)
        return Clip('clip', (frame,), True)

    numbers, free = number_identities(clip(5, 3, -1, 8), 10)
    assert (numbers, free) == ({3: 10, 5: 11}, 12)
    assert number_identities(clip(3), free) == ({3: 12}, 13)
    assert number_identities(clip(), free) == ({}, 12)


def test_pool_keeps_identity_camera_and_vector(data_root):
    market = Market1501(data_root / 'reid' / 'crops.tar')
    trained, judged = market.split(last_ids=2)
    vectors = {int(index): np.full(3, index, np.float16) for index in trained}
    pool = CropPool()
    assert pool.add_market(market, trained.tolist(), 7, vectors) == 11
    people = {number: [int(pool.vector(crop)[0]) for crop, _ in pool.known[number]]
              for number in pool.known}
    shown = {number: {market.samples[index].identity for index in indices}
             for number, indices in people.items()}
    assert shown == {7: {2}, 8: {7}, 9: {10}, 10: {11}}
    for number, indices in people.items():
        cameras = [camera for _, camera in pool.known[number]]
        assert cameras == [market.samples[index].camera for index in indices]
    assert {market.samples[index].identity for index in judged} == {12, 30}


def test_pool_cuts_people_out_of_frames(tmp_path):
    image = np.zeros((500, 300, 3), np.uint8)
    image[20:420, 50:200] = (0, 200, 0)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    boxes = np.array([[50, 20, 200, 420], [-30, 10, 40, 90], [0, 0, 10, 200], [0, 0, 90, 30],
                      [60, 30, 160, 130], [60, 40, 160, 140]], np.float32)
    ignore = np.array([False, False, False, False, True, False])
    frames = [AnnotatedFrame(tmp_path / name, boxes, np.array([4, -1, 1, 1, 1, 2]), ignore)
              for name in ('a.png', 'missing.png', 'a.png')]
    vectors = [np.zeros((6, 3), np.float16) for _ in frames]
    vectors[0][5] = np.nan
    pool = CropPool()
    pool.add_clip(Clip('stills', tuple(frames[:2]), False), {4: 9}, vectors)
    assert list(pool.known) == [9]
    assert len(pool) == 2, 'too narrow, too low, ignored or unknown to the teachers: not cut'
    assert len(pool.unknown) == 1
    crop = pool.read(pool.known[9][0][0])
    assert crop.shape == (MAX_HEIGHT, round(150 * MAX_HEIGHT / 400), 3)
    assert np.abs(crop.astype(int) - (0, 200, 0)).max() < 12
    assert pool.read(pool.unknown[0]).shape == (80, 40, 3)
    assert pool.vector(pool.unknown[0]) is not None
    video = CropPool()
    video.add_clip(Clip('video', (frames[0],) * 11, True), {4: 0}, None)
    assert [place for _, place in video.known[0]] == [0, 5, 10]


def test_restyled_people_are_unknown_but_to_teachers(data_root):
    market = Market1501(data_root / 'reid' / 'crops.tar')
    asked = []

    def look(name, images):
        asked.append((name, len(images)))
        return np.full((len(images), 2), len(asked), np.float16)

    pool = CropPool()
    pool.add_market(market, range(5), 0, None)
    pool.add_restyled(2, 3, [0, 4], look)
    assert asked == [('restyled 3 0', 2), ('restyled 3 1', 2)]
    assert [pool.vector(crop)[0] for crop in pool.unknown] == [1, 1, 2, 2]
    assert not np.array_equal(pool.read(pool.unknown[0]), pool.read(pool.unknown[2]))
    assert pool.read(pool.unknown[0]).shape == pool.read(0).shape


def test_checkpoint_carries_recipe_and_revision(make_data):
    notes = []
    data = make_data()
    state = data.state_dict()
    assert state['recipe'] == data.recipe.as_dict()
    assert state['revision']
    other = FineTrackData(replace(data.recipe, name='other'), data.root, data.cache, notes.append)
    other.load_state_dict(state)
    assert notes == ['the recipe differs from the one that began: name']


@pytest.mark.slow
@pytest.mark.parametrize('name', ['nano', 'nano_detector'])
def test_one_step_of_our_recipes(shared_data, repository, tmp_path, name):
    changes = ['train.steps=1', 'data.num_workers=0', 'teachers=[]', 'restyled=0']
    recipe = load_recipe(repository / 'config' / 'train' / f'{name}.yaml', changes)
    recipe = replace(recipe, frames=tuple(
        replace(item, complete=True) for item in recipe.frames))
    data = FineTrackData(recipe, shared_data, tmp_path)
    batch = next(iter(data.train_dataloader()))
    side = recipe.data.input_size
    assert batch.images.shape[1:] == (3, side, side)
    if recipe.train.appearance:
        known = torch.cat([targets.ids for targets in batch.targets if not targets.detect])
        counts = np.unique(known[known >= 0].numpy(), return_counts=True)[1]
        assert np.median(counts) == recipe.data.composed_frames


def test_composer_needs_people(make_data):
    data = make_data(crops=[], compose={'people': [2, 2]})
    with pytest.raises(ConfigError, match='people'):
        make_data(crops=[], compose={'people': [2, 2]},
                  frames=[{'format': 'mot', 'path': 'mot/street'}]).setup()
    data.setup()
    assert data.num_identities == 1
