# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sampling: both forms agree with each other and with torchvision."""

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

torch = pytest.importorskip('torch', reason='needs the extra "train"')

from finetrack_ros.models.sampling import sample_points, sample_rois, warp  # noqa: E402

FORMS = ('gather', 'grid_sample')


def _map(batch: int, channels: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, channels, height, width,
                       generator=torch.Generator().manual_seed(seed))


@given(batch=st.integers(1, 3), height=st.integers(1, 9), width=st.integers(1, 9),
       count=st.integers(0, 5), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_forms_agree_anywhere(batch: int, height: int, width: int, count: int, seed: int) -> None:
    """Both forms read the same values, also outside the map and across images."""
    generator = torch.Generator().manual_seed(seed)
    features = _map(batch, 3, height, width, seed)
    points = torch.rand(count, 7, 2, generator=generator) * 24 - 6
    index = torch.randint(0, batch, (count,), generator=generator)
    results = [sample_points(features, index, points, form) for form in FORMS]
    assert results[0].shape == (count, 7, 3)
    torch.testing.assert_close(results[0], results[1], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize('form', FORMS)
def test_integer_points_read_pixels(form: str) -> None:
    """A point at integer coordinates reads that pixel of that image."""
    features = _map(2, 4, 5, 6)
    points = torch.tensor([[[3.0, 2.0]], [[5.0, 4.0]]])
    sampled = sample_points(features, torch.tensor([1, 0]), points, form)
    torch.testing.assert_close(sampled[0, 0], features[1, :, 2, 3], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(sampled[1, 0], features[0, :, 4, 5], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('form', FORMS)
def test_zero_flow_returns_the_map(form: str) -> None:
    """A flow of zero moves nothing."""
    features = _map(2, 3, 6, 5)
    torch.testing.assert_close(warp(features, torch.zeros(2, 2, 6, 5), form), features,
                               atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize(('axis', 'dim'), [(0, 3), (1, 2)])
def test_unit_flow_shifts_by_one_pixel(form: str, axis: int, dim: int) -> None:
    """A flow of one pixel reads each pixel's right or lower neighbour, exactly."""
    features = _map(2, 3, 6, 5)
    flow = torch.zeros(2, 2, 6, 5)
    flow[:, axis] = 1.0
    size = features.shape[dim]
    moved = warp(features, flow, form).narrow(dim, 0, size - 1)
    torch.testing.assert_close(moved, features.narrow(dim, 1, size - 1), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('count', [0, 1, 40])
def test_rois_equal_torchvision(form: str, count: int) -> None:
    """RoI sampling is RoIAlign with one sample per bin for boxes inside the image."""
    ops = pytest.importorskip('torchvision.ops', reason='needs the extra "train"')
    generator = torch.Generator().manual_seed(3)
    features = _map(2, 4, 13, 17)
    corners = torch.rand(count, 2, 2, generator=generator) * torch.tensor([17 * 8, 13 * 8])
    low, high = corners.amin(dim=1), corners.amax(dim=1)
    index = torch.randint(0, 2, (count, 1), generator=generator).float()
    rois = torch.cat((index, low, high), dim=1)
    expected = ops.roi_align(features, rois, (24, 8), 1 / 8, 1, aligned=True)
    sampled = sample_rois(features, rois, 8.0, (24, 8), form)
    assert sampled.shape == (count, 4, 24, 8)
    torch.testing.assert_close(sampled, expected, atol=2e-5, rtol=1e-4)


def test_unknown_form_is_named() -> None:
    """A form that does not exist is refused by name."""
    with pytest.raises(ValueError, match='nearest'):
        sample_points(_map(1, 1, 2, 2), torch.zeros(1, dtype=torch.long), torch.zeros(1, 1, 2),
                      'nearest')
