# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Losses of learning from teachers: none where both agree, finite everywhere."""

import pytest

torch = pytest.importorskip('torch', reason='needs the extra "train"')
import torch.nn.functional as F  # noqa: E402

from finetrack_ros.training.distillation import hold, Mimic, ranking, relation  # noqa: E402

LOSSES = {'relation': relation, 'ranking': ranking, 'mimic': Mimic(8, 5)}


def _rows(count: int, width: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(count, width, generator=generator), dim=1)


@pytest.mark.parametrize('name', LOSSES)
@pytest.mark.parametrize('count', [0, 1, 2, 3, 40])
@pytest.mark.parametrize('alike', [False, True])
def test_finite_for_any_number_of_people(name, count, alike) -> None:
    """Nobody, a few or many, and people whom nothing tells apart: loss and gradient are finite."""
    ours = (_rows(1, 8).repeat(count, 1) if alike else _rows(count, 8)).requires_grad_()
    theirs = _rows(1, 5).repeat(count, 1) if alike else _rows(count, 5, 1)
    loss = LOSSES[name](ours, theirs)
    loss.backward()
    assert loss.shape == ()
    assert bool(loss.isfinite()) and loss.item() >= -1e-6
    assert ours.grad is not None and bool(ours.grad.isfinite().all())
    if count == 0:
        assert loss.item() == 0.0


@pytest.mark.parametrize('loss', [relation, ranking])
def test_equal_similarities_cost_nothing(loss) -> None:
    """Only what is alike counts: vectors of another width, turned, cost nothing."""
    theirs = _rows(12, 5)
    turn = torch.linalg.qr(torch.randn(8, 8))[0][:5]
    assert loss(theirs @ turn, theirs).item() == pytest.approx(0.0, abs=1e-6)
    assert loss(_rows(12, 8, 3), theirs).item() > 1e-3


def test_relation_is_the_mean_over_pairs() -> None:
    """Checked by hand: cosines of 0.8 where the teachers say 0."""
    ours = torch.tensor([[1.0, 0.0], [0.8, 0.6]])
    assert relation(ours, torch.eye(2)).item() == pytest.approx(0.64)


def test_ranking_is_led_down_by_its_gradient() -> None:
    """Following the gradient makes the teachers' nearest ours."""
    theirs = _rows(10, 6)
    ours = _rows(10, 8, 1).requires_grad_()
    optimizer = torch.optim.Adam([ours], lr=0.05)
    before = ranking(F.normalize(ours, dim=1), theirs).item()
    for _ in range(60):
        optimizer.zero_grad()
        ranking(F.normalize(ours, dim=1), theirs).backward()
        optimizer.step()
    assert ranking(F.normalize(ours, dim=1), theirs).item() < before * 0.2


def test_mimic_of_a_linear_map_is_zero() -> None:
    """The map that it learns may be exact."""
    mimic = Mimic(8, 5)
    ours = _rows(7, 8)
    assert mimic(ours, mimic.map(ours).detach()).item() == pytest.approx(0.0, abs=1e-6)


def test_hold_of_the_same_detector_is_zero() -> None:
    """A detector that has not changed costs nothing, and is led nowhere."""
    raw = (torch.randn(2, 50, 6) * 6).requires_grad_()
    loss = hold(raw, raw.detach(), torch.zeros(2, 50, dtype=torch.bool))
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    assert raw.grad.abs().max().item() < 1e-5


def test_hold_is_the_divergence_of_its_docstring() -> None:
    """The same as torch's binary cross-entropy less that of the older one with itself."""
    torch.manual_seed(0)
    # Less extreme scores than those that both cut off, each at another place.
    raw, before = torch.randn(2, 30, 7) * 2, torch.randn(2, 30, 7) * 2
    ours, theirs = (value[..., 4:5].sigmoid() * value[..., 5:].sigmoid()
                    for value in (raw, before))
    wanted = (F.binary_cross_entropy(ours, theirs, reduction='sum')
              - F.binary_cross_entropy(theirs, theirs, reduction='sum')) / theirs.sum().clamp(1.0)
    found = hold(raw, before, torch.zeros(2, 30, dtype=torch.bool))
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('scale', [1.0, 200.0])
def test_free_cells_do_not_count(scale) -> None:
    """Where labels say enough, anything may be found; extreme logits stay finite."""
    raw, before = torch.zeros(1, 20, 6), torch.zeros(1, 20, 6)
    raw[0, :10, 4:] = scale
    free = torch.arange(20)[None] < 10
    assert hold(raw, before, free).item() == 0.0
    raw.requires_grad_()
    loss = hold(raw, before, ~free)
    assert loss.item() > 0.1
    loss.backward()
    assert bool(raw.grad.isfinite().all())
    assert bool((raw.grad[0, 10:] == 0).all())


def test_hold_without_any_cell_or_image() -> None:
    """All cells free, or no image at all: zero with a gradient."""
    for images in (0, 1):
        raw = torch.randn(images, 9, 6, requires_grad=True)
        loss = hold(raw, torch.randn(images, 9, 6), torch.ones(images, 9, dtype=torch.bool))
        loss.backward()
        assert loss.item() == 0.0
