# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One step of training, with the batches that are hardest to get right."""

import pytest

torch = pytest.importorskip('torch', reason='needs the extra "train"')
pytest.importorskip('lightning', reason='needs the extra "train"')

from finetrack_ros.models import FineTrack  # noqa: E402
from finetrack_ros.models.finetrack import Vectors  # noqa: E402
from finetrack_ros.training.config import LossWeights, TrainConfig  # noqa: E402
from finetrack_ros.training.crop_dataset import CropBatch  # noqa: E402
from finetrack_ros.training.dataset import Batch, Targets  # noqa: E402
from finetrack_ros.training.module import FineTrackModule, regions  # noqa: E402

pytestmark = pytest.mark.filterwarnings('ignore')
SIDE = 64


@pytest.fixture(scope='module')
def make_module():
    """Return what makes a module with four identities and teachers of three numbers."""
    def make(identities: int = 4, teacher_dim: int = 3, **train) -> FineTrackModule:
        torch.manual_seed(0)
        config = TrainConfig(detector_sizes=(SIDE,), **train)
        module = FineTrackModule(FineTrack(), config, identities, teacher_dim)
        module.log = module.log_dict = lambda *values, **options: None
        return module
    return make


def _batch(*people: list[tuple[int, bool]], detect: bool = True) -> Batch:
    """Return a frame for each list of people, who are (id, known to the teachers)."""
    generator = torch.Generator().manual_seed(1)
    targets = []
    for known in people:
        low = torch.rand(len(known), 2, generator=generator) * 30
        boxes = torch.cat((low, low + torch.tensor([14.0, 30.0])), dim=1)
        teacher = torch.rand(len(known), 3, generator=generator)
        teacher[[not taught for _, taught in known]] = torch.nan
        targets.append(Targets(
            boxes, boxes + 1, torch.tensor([number for number, _ in known], dtype=torch.long),
            torch.zeros(len(known), dtype=torch.bool), teacher, detect))
    images = torch.randint(0, 256, (len(people), 3, SIDE, SIDE), generator=generator)
    return Batch(images.to(torch.uint8), targets)


NOBODY: list[tuple[int, bool]] = []
CROWD = [(0, True), (1, True), (2, False), (-1, True), (-1, False)]


@pytest.mark.parametrize('batch', [
    _batch(NOBODY, NOBODY), _batch(NOBODY, [(2, False)]), _batch([(-1, True)], NOBODY),
    _batch([(-1, True), (-1, True)]), _batch(CROWD, CROWD), _batch(CROWD, detect=False),
], ids=['nobody', 'one-known', 'one-taught', 'two-taught', 'crowd', 'no-detection'])
@pytest.mark.parametrize('hold', [0.0, 1.0])
def test_all_that_learns_takes_part_in_each_step(make_module, batch, hold) -> None:
    """Whoever is seen: the loss is finite, and each parameter has a gradient, as DDP demands."""
    module = make_module(loss=LossWeights(hold=hold))
    loss = module.training_step(batch, 0)
    loss.backward()
    assert bool(loss.isfinite())
    learning = {name: p for name, p in module.named_parameters() if p.requires_grad}
    assert [name for name, p in learning.items() if p.grad is None] == []
    assert all(bool(p.grad.isfinite().all()) for p in learning.values())
    assert all(bool(value.isfinite().all()) for value in module.buffers())


def test_one_person_leaves_the_statistics_and_two_move_them(make_module) -> None:
    """The embedder's norms use their running statistics where a batch has none."""
    module = make_module()
    mean = module.model.embedder.neck.running_mean
    before = mean.clone()
    module.training_step(_batch([(2, False)]), 0)
    assert torch.equal(mean, before)
    module.training_step(_batch(CROWD), 0)
    assert not torch.equal(mean, before)


@pytest.mark.parametrize('ids', [[0, 0, 1, 1, -1], [-1, -1], [2]])
def test_crops_alone_train_the_embedder(make_module, ids) -> None:
    """Whoever is shown, all of the embedder learns, and neither detector nor FAFPN does."""
    module = make_module(detector=False)
    size = (len(ids), module.model.config.crop_rows, module.model.config.crop_columns, 3)
    teacher = torch.rand(len(ids), 3)
    crops = torch.randint(0, 256, size).to(torch.uint8)
    loss = module.training_step(CropBatch(crops, torch.tensor(ids), teacher), 0)
    loss.backward()
    assert bool(loss.isfinite())
    embedder = module.model.embedder
    assert all(bool(p.grad.isfinite().all()) for p in embedder.parameters())
    assert all(bool(value.isfinite().all()) for value in embedder.buffers())
    others = [*module.model.detector.parameters(), *module.model.fafpn.parameters()]
    assert all(p.grad is None for p in others)


def test_triplet_needs_no_cross_entropy(make_module) -> None:
    """Either of the two identity losses may be left out."""
    def losses(**weights) -> set[str]:
        module = make_module(loss=LossWeights(**weights))
        shape = module.model.config
        vectors = Vectors(
            torch.randn(4, shape.global_dim), torch.randn(4, shape.heads, shape.local_dim),
            torch.randn(4, shape.global_dim), torch.randn(4, shape.heads, shape.local_dim),
            torch.randn(4, shape.heads, 8))
        return set(module._losses(vectors, torch.tensor([0, 0, 1, -1]), torch.zeros(4, 0)))

    triplets = {'triplet_joint', 'triplet_global', 'triplet_local', 'diversity'}
    assert losses(identity=0.0) == triplets
    assert losses() == triplets | {'identity_global', 'identity_local'}


def test_similarities_are_full_precision_in_mixed_training(make_module) -> None:
    """What is like bfloat16's last digit must not decide who is alike."""
    module = make_module(loss=LossWeights(hold=0.0))
    seen = []
    losses = module._losses

    def spy(vectors, ids, teacher):
        result = losses(vectors, ids, teacher)
        with torch.autocast('cpu', enabled=False):
            seen.append((result, losses(vectors, ids, teacher)))
        return result

    module._losses = spy
    with torch.autocast('cpu', torch.bfloat16):
        module.training_step(_batch(CROWD, CROWD), 0)
    for name, value in seen[0][0].items():
        assert value.dtype == torch.float32, name
        torch.testing.assert_close(value, seen[0][1][name], msg=name)


def test_frames_that_do_not_detect_are_no_background(make_module) -> None:
    """People of composed frames have no detection loss; the older detector is held there."""
    module = make_module(appearance=False)
    module.training_step(_batch(CROWD), 0).backward()
    weight = module.model.detector.head.obj_preds[0].weight
    assert weight.grad.abs().sum() > 0
    weight.grad = None
    module.training_step(_batch(CROWD, detect=False), 0).backward()
    assert weight.grad.abs().max() < 1e-6, 'the same detector as before: nothing to hold against'


def test_regions_are_those_that_anybody_knows() -> None:
    """Known by identity or by teachers, and not ignored; each with its image's number."""
    batch = _batch(CROWD, NOBODY, [(3, False)])
    batch.targets[0].ignore[1] = True
    rois, ids, teacher = regions(batch.targets)
    assert rois[:, 0].tolist() == [0, 0, 0, 2]
    assert ids.tolist() == [0, 2, -1, 3]
    assert teacher[:, 0].isnan().tolist() == [False, True, False, True]


def test_learning_rate_warms_up_and_falls(make_module) -> None:
    """The rate rises to its full value and ends at the final fraction, detector and rest alike."""
    module = make_module(steps=10, warmup=4, final_fraction=0.1, learning_rate=1.0,
                         detector_learning_rate=0.5)
    setup = module.configure_optimizers()
    optimizer, scheduler = setup['optimizer'], setup['lr_scheduler']['scheduler']
    rates = []
    for _ in range(11):
        rates.append([group['lr'] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    assert rates[0] == [0.25, 0.125]
    assert rates[4] == [1.0, 0.5]
    assert rates[10] == pytest.approx([0.1, 0.05])
    assert [rate for rate, _ in rates[4:]] == sorted((rate for rate, _ in rates[4:]), reverse=True)
