# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of crops alone, and the training that sees nothing else."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='needs the extra "train"')

from finetrack_ros.errors import ConfigError  # noqa: E402
from finetrack_ros.training.augment import AugmentConfig  # noqa: E402
from finetrack_ros.training.compose import ComposeConfig  # noqa: E402
from finetrack_ros.training.config import DataConfig  # noqa: E402
from finetrack_ros.training.crop_dataset import CropDataset, VIEWS  # noqa: E402
from finetrack_ros.training.data import FineTrackData  # noqa: E402
from finetrack_ros.training.fit import fit, Hardware  # noqa: E402
from finetrack_ros.training.schedule import Step  # noqa: E402

SIZE = (24, 8)
PLAIN = AugmentConfig(hue=0, saturation=0, value=0, blur=0, jpeg=0, dim=0, cast=0, small=0)
INTACT = ComposeConfig(gain=0, rotation=0, erase=0, truncate=0, coarse=0)


class FlatPool:
    """Crops of one grey each, of 5 identities and of 6 strangers; teachers know the even ones."""

    known = {number: [(5 * number + view, view) for view in range(5)] for number in range(5)}
    unknown = list(range(25, 31))

    def __len__(self):
        return 31

    def read(self, crop):
        return np.full((60, 30, 3), 8 * crop, np.uint8)

    def vector(self, crop):
        return None if crop % 2 else np.full(3, crop, np.float16)


def make_dataset(crops=16, compose=INTACT, augment=PLAIN):
    return CropDataset(FlatPool(), SIZE, DataConfig(crops=crops), compose, augment, teacher_dim=3)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), crops=st.integers(4, 40))
def test_people_of_known_identity_come_in_views(seed, crops):
    batch = make_dataset(crops, ComposeConfig(), AugmentConfig())[Step([], (seed,))]
    assert batch.crops.shape == (len(batch.ids), *SIZE, 3)
    assert batch.crops.dtype == torch.uint8
    assert len(batch.ids) <= crops
    known = batch.ids[batch.ids >= 0].tolist()
    assert {known.count(number) for number in known} <= {VIEWS}
    assert (batch.ids < 0).sum() <= 6


def test_vectors_are_those_of_the_crops():
    batch = make_dataset()[Step([], (3,))]
    for crop, identity, vector in zip(batch.crops, batch.ids, batch.teacher, strict=True):
        if not vector[0].isnan():
            # Each channel's gain differs by a few percent.
            assert float(crop[SIZE[0] // 2, SIZE[1] // 2, 0]) == pytest.approx(
                8 * float(vector[0]), rel=0.07, abs=1)
            assert identity == (int(vector[0]) // 5 if vector[0] < 25 else -1)
    assert batch.teacher[:, 0].isnan().any() and not batch.teacher[:, 0].isnan().all()


def test_seed_decides():
    dataset = make_dataset(compose=ComposeConfig(), augment=AugmentConfig())
    first, again, other = (dataset[Step([], (seed,))] for seed in (1, 1, 2))
    assert torch.equal(first.crops, again.crops)
    assert first.crops.shape != other.crops.shape or not torch.equal(first.crops, other.crops)


def test_training_of_crops_alone_moves_the_embedder_only(
        data_root, weights, make_recipe, tmp_path):
    from finetrack_ros.training.initial import initial_model

    recipe = make_recipe(weights, data={'crops': 8}, train={'detector': False})
    torch.manual_seed(0)
    before = initial_model(recipe, data_root).state_dict()
    fit(recipe, data_root, tmp_path, Hardware('cpu', 1))
    after = torch.load(tmp_path / 'model' / 'model.pt', weights_only=True)['state_dict']
    moved = {name.partition('.')[0] for name in before if name.startswith('detector.')
             and not torch.equal(before[name], after[name])}
    assert not moved
    assert any(name.startswith('embedder.trunk') and not torch.equal(before[name], after[name])
               for name in before)


@pytest.mark.parametrize('train', [{'detector': True}, {'appearance': False}])
def test_crops_teach_no_detector(data_root, make_recipe, tmp_path, train):
    recipe = make_recipe(data={'crops': 8}, train=train)
    with pytest.raises(ConfigError, match=r'data\.crops: a step holds crops alone'):
        FineTrackData(recipe, data_root, tmp_path).setup()
