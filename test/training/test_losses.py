# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Label assignment and losses do what their papers say, at the edges too."""

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

torch = pytest.importorskip('torch', reason='needs the extra "train"')

from finetrack_ros.training.assignment import assign, pairwise_iou  # noqa: E402
from finetrack_ros.training.losses import (  # noqa: E402
    batch_hard_triplet,
    detection_loss,
    DetectionTargets,
    IdentityClassifier,
)

STRIDE = 8.0


def _grid(side: int) -> tuple[torch.Tensor, torch.Tensor]:
    ys, xs = torch.meshgrid(torch.arange(side), torch.arange(side), indexing='ij')
    corners = torch.stack((xs, ys), dim=2).reshape(-1, 2).float()
    return corners, torch.full((side * side, 1), STRIDE)


def _raw_for(box: torch.Tensor, corners: torch.Tensor, confidence: float) -> torch.Tensor:
    """Return logits of which every cell predicts ``box`` with a given confidence logit."""
    centre, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    raw = torch.full((1, len(corners), 6), confidence)
    raw[0, :, :2] = centre / STRIDE - corners
    raw[0, :, 2:4] = (size / STRIDE).log()
    return raw


@given(boxes=st.integers(0, 6), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_assignment_invariants(boxes: int, seed: int) -> None:
    """Each cell learns one box at most; each box, when cells remain, has one to ten cells."""
    generator = torch.Generator().manual_seed(seed)
    corners, strides = _grid(10)
    low = torch.rand(boxes, 2, generator=generator) * 50
    targets = torch.cat((low, low + 8 + torch.rand(boxes, 2, generator=generator) * 20), dim=1)
    points = (corners + 0.5) * STRIDE
    predictions = torch.cat((points - 6, points + 6), dim=1)
    scores = torch.rand(100, 1, generator=generator)
    found = assign(predictions, scores, points, strides[:, 0], targets,
                   torch.zeros(boxes, dtype=torch.long))
    assert len(found.cells) == len(found.cells.unique())
    counts = torch.bincount(found.boxes, minlength=boxes)
    assert bool((counts <= 10).all())
    assert len(found.cells) >= (boxes > 0)
    expected = pairwise_iou(targets, predictions)[found.boxes, found.cells]
    torch.testing.assert_close(found.ious, expected)


def test_assigned_cells_are_near_their_box() -> None:
    """A lone box takes cells whose centre lies inside it."""
    corners, strides = _grid(8)
    box = torch.tensor([[16.0, 16, 40, 48]])
    points = (corners + 0.5) * STRIDE
    found = assign(box.expand(64, 4), torch.full((64, 1), 0.5), points, strides[:, 0], box,
                   torch.zeros(1, dtype=torch.long))
    chosen = points[found.cells]
    assert bool(((chosen > box[0, :2]) & (chosen < box[0, 2:])).all())


def test_perfect_boxes_have_no_iou_loss() -> None:
    """Predictions that equal their box cost nothing in IoU; shifted ones do."""
    corners, strides = _grid(8)
    box = torch.tensor([16.0, 16, 40, 48])
    targets = [DetectionTargets(box[None], torch.zeros(1, dtype=torch.bool))]
    perfect = detection_loss(_raw_for(box, corners, 2.0), corners, strides, targets)
    shifted = detection_loss(_raw_for(box + 4, corners, 2.0), corners, strides, targets)
    assert perfect.losses['iou'].item() == pytest.approx(0.0, abs=1e-4)
    assert shifted.losses['iou'].item() > 0.1


def test_ignored_people_cost_nothing() -> None:
    """Confident cells cost objectness where nobody is, and nothing where somebody is ignored."""
    corners, strides = _grid(8)
    everywhere = torch.tensor([[-1.0, -1, 65, 65]])
    raw = _raw_for(torch.tensor([16.0, 16, 40, 48]), corners, 4.0)
    nobody = [DetectionTargets(torch.zeros(0, 4), torch.zeros(0, dtype=torch.bool))]
    ignored = [DetectionTargets(everywhere, torch.ones(1, dtype=torch.bool))]
    found = detection_loss(raw, corners, strides, nobody)
    assert found.losses['objectness'].item() > 100
    assert not found.positive.any()
    losses = detection_loss(raw, corners, strides, ignored).losses
    assert {name: value.item() for name, value in losses.items()} == {
        'iou': 0.0, 'objectness': 0.0, 'class': 0.0}


def test_positive_cells_are_those_that_learn() -> None:
    """A box marks its cells in its own image, and only there."""
    corners, strides = _grid(8)
    box = torch.tensor([16.0, 16, 40, 48])
    nobody = DetectionTargets(torch.zeros(0, 4), torch.zeros(0, dtype=torch.bool))
    somebody = DetectionTargets(box[None], torch.zeros(1, dtype=torch.bool))
    raw = _raw_for(box, corners, 2.0).repeat(2, 1, 1)
    positive = detection_loss(raw, corners, strides, [nobody, somebody]).positive
    assert positive.shape == (2, 64)
    assert not positive[0].any()
    assert 1 <= int(positive[1].sum()) <= 10


def test_no_image_has_zero_loss_with_a_gradient() -> None:
    """A step without a frame that trains the detector neither fails nor leads anywhere."""
    corners, strides = _grid(8)
    raw = torch.randn(0, 64, 6, requires_grad=True)
    losses = detection_loss(raw, corners, strides, []).losses
    sum(losses.values()).backward()
    assert [value.item() for value in losses.values()] == [0.0, 0.0, 0.0]


def test_triplet_prefers_separate_identities() -> None:
    """Vectors grouped by identity cost less than vectors that are mixed up."""
    vectors = torch.eye(4).repeat_interleave(2, dim=0)
    grouped = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    mixed = torch.tensor([0, 1, 2, 3, 0, 1, 2, 3])
    assert batch_hard_triplet(vectors, grouped) < 0.01 < 1 < batch_hard_triplet(vectors, mixed)


@pytest.mark.parametrize('ids', [[], [3], [1, 1, 1], [0, 1, 2]])
def test_triplet_without_pairs_is_zero(ids: list[int]) -> None:
    """No anchor has both a positive and a negative: no loss, but a gradient that exists."""
    vectors = torch.randn(len(ids), 6, 5, requires_grad=True)
    loss = batch_hard_triplet(vectors, torch.tensor(ids, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0.0
    assert bool((vectors.grad == 0).all())


def test_triplet_gradient_is_finite_for_equal_vectors() -> None:
    """Identical vectors of different people have a finite gradient."""
    vectors = torch.ones(4, 3, requires_grad=True)
    batch_hard_triplet(vectors, torch.tensor([0, 0, 1, 1])).backward()
    assert bool(vectors.grad.isfinite().all())


def test_identity_loss_falls_when_trained() -> None:
    """A few steps on four targets bring the cross-entropy down, for global and local vectors."""
    torch.manual_seed(0)
    classifier = IdentityClassifier(4, 8, 3, 5)
    vectors = [torch.randn(4, 8), torch.randn(4, 3, 5)]
    ids = torch.arange(4)
    before = classifier(*vectors, ids)
    optimizer = torch.optim.Adam(classifier.parameters(), lr=0.05)
    for _ in range(50):
        optimizer.zero_grad()
        sum(classifier(*vectors, ids)).backward()
        optimizer.step()
    after = classifier(*vectors, ids)
    assert after[0] < before[0] * 0.8
    assert after[1] < before[1] * 0.8


def test_identity_loss_of_nobody_is_zero() -> None:
    """A step without known identities has no identity loss, yet all weights take part."""
    classifier = IdentityClassifier(4, 8, 3, 5)
    vectors = [torch.zeros(0, 8, requires_grad=True), torch.zeros(0, 3, 5, requires_grad=True)]
    none = classifier(*vectors, torch.zeros(0, dtype=torch.long))
    assert [value.item() for value in none] == [0.0, 0.0]
    sum(none).backward()
    assert all(weight.grad is not None for weight in classifier.parameters())
