# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training batches as the Lightning module gets them."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip('torch')
lightning = pytest.importorskip('lightning')

from finetrack_ros.datasets.market1501 import Market1501  # noqa: E402
from finetrack_ros.errors import ConfigError, SourceError  # noqa: E402
from finetrack_ros.training.compose import ComposeConfig  # noqa: E402
from finetrack_ros.training.dataset import DataConfig, FineTrackData, group_crops  # noqa: E402


class Recorder(lightning.LightningModule):
    """Trains nothing and keeps the sum of each batch's pixels, with its epoch."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def training_step(self, batch, index):
        self.seen.append((self.current_epoch, int(batch.images.sum())))
        return self.weight.sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.fixture
def config(data_root):
    return DataConfig(
        root=data_root, splits=data_root / 'split.yaml', input_size=(96, 128), num_workers=0,
        real_frames=4, group_size=4, steps_per_epoch=None, frame_stride=2,
        compose=ComposeConfig(people=(2, 3), height=(16, 40)))


def batches_of(config, epoch=0):
    loader = FineTrackData(config).train_dataloader()
    loader.sampler.set_epoch(epoch)
    return list(loader)


def assert_same(batches, others):
    assert len(batches) == len(others)
    for batch, other in zip(batches, others, strict=True):
        assert torch.equal(batch.images, other.images)
        for targets, expected in zip(batch.targets, other.targets, strict=True):
            assert torch.equal(targets.boxes, expected.boxes)
            assert torch.equal(targets.ids, expected.ids)
            assert torch.equal(targets.ignore, expected.ignore)
            assert targets.detect == expected.detect


def test_batch_has_real_then_composed_frames(config):
    data = FineTrackData(config)
    data.setup()
    assert data.num_identities == 4 + 1, 'four trained Market ids, one person in the sequence'
    for batch in data.train_dataloader():
        assert batch.images.dtype == torch.uint8
        assert batch.images.shape == (len(batch.targets), 3, 96, 128)
        detect = [targets.detect for targets in batch.targets]
        assert detect == sorted(detect, reverse=True)
        assert detect.count(False) == 4
        for targets in batch.targets:
            assert targets.boxes.dtype == torch.float32
            assert targets.ids.dtype == torch.int64
            assert targets.ignore.dtype == torch.bool
            assert len(targets.boxes) == len(targets.ids) == len(targets.ignore)
            assert (targets.boxes[:, 2:] > targets.boxes[:, :2]).all()
            assert (targets.boxes >= 0).all()
            assert (targets.boxes <= torch.tensor([128, 96, 128, 96])).all()
            assert (targets.ids[targets.ignore] == -1).all()


def test_identities_of_the_two_kinds_do_not_meet(config):
    real, composed = set(), set()
    for batch in batches_of(replace(config, steps_per_epoch=12)):
        for targets in batch.targets:
            (real if targets.detect else composed).update(targets.ids.tolist())
    assert real == {-1, 4}
    assert composed == {0, 1, 2, 3}


def test_pass_reads_each_real_frame_once(config):
    schedule = FineTrackData(config).train_dataloader().sampler
    for epoch in range(3):
        schedule.set_epoch(epoch)
        frames = [frame for step in schedule for frame in step.frames]
        assert sorted(frames) == [(0, n) for n in range(8)] + [(1, n) for n in range(5)]


def test_stride_spreads_the_frames_of_a_group(config):
    schedule = FineTrackData(config).train_dataloader().sampler
    groups = [[frame for _, frame in step.frames] for step in schedule if step.frames[0][0] == 0]
    assert sorted(groups) == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_epoch_can_be_resumed_and_differs_from_the_first(config):
    config = replace(config, steps_per_epoch=3)
    data = FineTrackData(config)
    loader = data.train_dataloader()
    assert len(loader) == 3
    runs = []
    for epoch in range(3):
        loader.sampler.set_epoch(epoch)
        runs.append(list(loader))
    assert_same(runs[2], batches_of(config, epoch=2))
    assert not torch.equal(runs[0][0].images[-1], runs[1][0].images[-1])


@pytest.mark.parametrize('num_workers', [0, 1])
@pytest.mark.filterwarnings('ignore')
def test_lightning_resumes_with_the_next_epoch(config, tmp_path, num_workers):
    config = replace(config, steps_per_epoch=2, num_workers=num_workers)

    def train(epochs, checkpoint=None):
        trainer = lightning.Trainer(
            max_epochs=epochs, accelerator='cpu', logger=False, enable_progress_bar=False,
            enable_model_summary=False, default_root_dir=tmp_path)
        recorder = Recorder()
        trainer.fit(recorder, FineTrackData(config), ckpt_path=checkpoint)
        trainer.save_checkpoint(tmp_path / 'last.ckpt')
        return recorder.seen

    whole = train(4)
    assert train(2) == whole[:4]
    assert train(4, tmp_path / 'last.ckpt') == whole[4:]


@pytest.mark.parametrize('sampler', ['shuffle_group', 'random', 'sequential'])
def test_epochs_cut_passes_without_losing_frames(config, sampler):
    config = replace(config, sampler=sampler)
    whole = FineTrackData(config).train_dataloader().sampler
    cut = FineTrackData(replace(config, steps_per_epoch=len(whole) * 2)).train_dataloader().sampler
    frames = [step.frames for step in cut]
    expected = [step.frames for step in whole]
    whole.set_epoch(1)
    assert frames == expected + [step.frames for step in whole]


def test_seed_decides(config):
    config = replace(config, steps_per_epoch=2)
    assert_same(batches_of(config), batches_of(config))
    other = batches_of(replace(config, seed=1))
    assert not torch.equal(batches_of(config)[0].images[-1], other[0].images[-1])


def test_worker_processes_change_nothing(config):
    config = replace(config, steps_per_epoch=3)
    assert_same(batches_of(config), batches_of(replace(config, num_workers=2)))


def test_without_composed_frames(config):
    batches = batches_of(replace(config, composed_frames=0))
    assert all(targets.detect for batch in batches for targets in batch.targets)


def test_crops_are_grouped_by_identity_with_their_camera(data_root):
    market = Market1501(data_root / 'reid' / 'crops.tar')
    trained, judged = market.split(last_ids=2)
    crops = group_crops(market, trained)
    shown = [{market.samples[index].identity for index, _ in crops[number]} for number in crops]
    assert shown == [{2}, {7}, {10}, {11}]
    assert all(market.samples[index].camera == camera
               for pairs in crops.values() for index, camera in pairs)
    assert {market.samples[index].identity for index in judged} == {12, 30}


@pytest.mark.parametrize(('values', 'problem'), [
    ({'input_size': (100, 128)}, 'input_size'), ({'sampler': 'best'}, 'shuffle_group'),
    ({'real_frames': 0}, 'real_frames'), ({'frame_stride': 0}, 'frame_stride'),
    ({'steps_per_epoch': 0}, 'steps_per_epoch'),
])
def test_bad_config_is_named(config, values, problem):
    with pytest.raises(ConfigError, match=problem):
        replace(config, **values)


def test_missing_data_is_named(config, tmp_path):
    with pytest.raises(SourceError, match='street.*does not exist'):
        FineTrackData(replace(config, root=tmp_path)).setup()


def test_one_step_on_the_shared_data(shared_data):
    data = FineTrackData(DataConfig(root=shared_data, num_workers=0, steps_per_epoch=1))
    batch = next(iter(data.train_dataloader()))
    assert data.num_identities > 651
    assert batch.images.shape[1:] == (3, 640, 640)
    composed = [targets.ids for targets in batch.targets if not targets.detect]
    counts = np.unique(torch.cat(composed).numpy(), return_counts=True)[1]
    assert np.median(counts) == 4, 'a virtual video shows most identities in each frame'
