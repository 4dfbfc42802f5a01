# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of crops alone."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='needs the extra "train"')
pytest.importorskip('lightning', reason='needs the extra "train"')

from finetrack_ros.datasets.market1501 import Market1501  # noqa: E402
from finetrack_ros.errors import ConfigError  # noqa: E402
from finetrack_ros.training.augment import AugmentConfig  # noqa: E402
from finetrack_ros.training.compose import ComposeConfig  # noqa: E402
from finetrack_ros.training.config import DataConfig  # noqa: E402
from finetrack_ros.training.crop_dataset import CropDataset, VIEWS  # noqa: E402
from finetrack_ros.training.crop_pool import CropPool  # noqa: E402
from finetrack_ros.training.data import FineTrackData  # noqa: E402
from finetrack_ros.training.schedule import Step  # noqa: E402

SIZE = (96, 32)


@pytest.fixture(scope='module')
def make_dataset(data_root):
    """Return what makes a dataset of six known people, and of unknown ones."""
    market = Market1501(data_root / 'reid' / 'crops.tar')

    def make(crops, unknown=0, share=0.3, known=range(30), teachers=True) -> CropDataset:
        pool = CropPool()
        vectors = {index: np.full(3, index, np.float16) for index in range(30)}
        if len(known):
            pool.add_market(market, known, 0, vectors if teachers else None)
        pool.add_restyled(unknown, 0, [0] if unknown else [],
                          lambda name, images: np.full((len(images), 3), -1, np.float16))
        return CropDataset(pool, SIZE, DataConfig(crops=crops), ComposeConfig(unknown=share),
                           AugmentConfig(), 3 if teachers else 0)
    return make


@settings(deadline=None, max_examples=15)
@given(crops=st.integers(8, 30), unknown=st.integers(0, 9), share=st.floats(0, 1),
       seed=st.integers(0, 99))
def test_batch_is_people_in_views_then_strangers(make_dataset, crops, unknown, share, seed):
    batch = make_dataset(crops, unknown, share)[Step([], (0, seed))]
    assert batch.crops.dtype == torch.uint8
    assert 1 <= len(batch.ids) <= crops
    assert batch.crops.shape == (len(batch.ids), *SIZE, 3)
    assert batch.ids.dtype == torch.int64
    known = batch.ids[batch.ids >= 0]
    strangers = len(batch.ids) - len(known)
    assert batch.ids.tolist() == known.tolist() + [-1] * strangers
    assert strangers <= min(round(crops * share), unknown)
    assert set(known.unique(return_counts=True)[1].tolist()) <= {VIEWS}
    # Of our six people with five crops each, a teacher's vector is the number of the crop.
    assert batch.teacher[batch.ids >= 0][:, 0].div(5, rounding_mode='floor').tolist() == \
        known.tolist()
    assert (batch.teacher[batch.ids < 0] == -1).all()


def test_step_is_a_function_of_its_seed(make_dataset):
    dataset = make_dataset(12, 4)
    first, again, other = (dataset[Step([], (0, number))] for number in (1, 1, 2))
    assert torch.equal(first.crops, again.crops)
    assert torch.equal(first.ids, again.ids)
    assert not torch.equal(first.crops, other.crops)


def test_without_teachers_or_without_identities(make_dataset):
    assert make_dataset(8, teachers=False)[Step([], (0, 0))].teacher.shape == (8, 0)


def test_nobody_to_cut_out_is_an_error(make_dataset):
    with pytest.raises(ConfigError, match='nobody is large enough'):
        make_dataset(8, known=[])


def test_recipe_of_crops(data_root, make_recipe, tmp_path):
    recipe = make_recipe(data={'crops': 8}, train={'detector': False, 'steps': 3})
    data = FineTrackData(recipe, data_root, tmp_path)
    batches = list(data.train_dataloader())
    assert data.num_identities == 4 + 1
    assert data.skipped == 0
    assert [tuple(batch.crops.shape[1:]) for batch in batches] == [(*SIZE, 3)] * 3
    with pytest.raises(ConfigError, match=r'data\.crops.*train\.detector'):
        FineTrackData(make_recipe(data={'crops': 8}), data_root, tmp_path).setup()
