# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""FAFPN, MPMG and the joint embedding keep what the design promises."""

import pytest

torch = pytest.importorskip('torch', reason='needs the extra "train"')
from torch.nn import functional as F  # noqa: E402, N812

from finetrack_ros.models import FineTrack, YOLOX  # noqa: E402
from finetrack_ros.models.fafpn import FAFPN, FlowAlign  # noqa: E402
from finetrack_ros.models.finetrack import joint_embedding  # noqa: E402
from finetrack_ros.models.mpmg import diversity, masked_pool, MPMG  # noqa: E402


def test_zero_flow_is_bilinear_upsampling() -> None:
    """A fresh alignment gives the fine map and the bilinearly upsampled coarse one."""
    fine, coarse = torch.randn(2, 8, 12, 10), torch.randn(2, 8, 6, 5)
    aligned_fine, aligned_coarse = FlowAlign(8).align(fine, coarse)
    upsampled = F.interpolate(coarse, size=(12, 10), mode='bilinear', align_corners=False)
    torch.testing.assert_close(aligned_fine, fine, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(aligned_coarse, upsampled, atol=1e-5, rtol=1e-5)


def test_unit_flow_shifts_the_coarse_map() -> None:
    """The first two flow channels move the coarse map, in pixels of the fine grid."""
    align = FlowAlign(8)
    with torch.no_grad():
        align.flow.bias[0] = 1.0
    fine, coarse = torch.randn(1, 8, 6, 9), torch.randn(1, 8, 6, 9)
    aligned_fine, aligned_coarse = align.align(fine, coarse)
    torch.testing.assert_close(aligned_fine, fine, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(aligned_coarse[..., :-1], coarse[..., 1:], atol=1e-5, rtol=1e-5)


def test_merge_lies_between_its_sources() -> None:
    """The attention weighs the two aligned maps per channel, with weights that sum to one."""
    align = FlowAlign(8)
    fine, coarse = torch.randn(2, 8, 6, 9), torch.randn(2, 8, 6, 9)
    merged = align(fine, coarse)
    low, high = torch.minimum(fine, coarse), torch.maximum(fine, coarse)
    assert bool(((merged >= low - 1e-4) & (merged <= high + 1e-4)).all())


def test_fafpn_merges_to_the_finest_grid() -> None:
    """Three levels become one map of the finest level's size."""
    maps = [torch.randn(2, c, s, s + 2) for c, s in ((16, 16), (32, 8), (64, 4))]
    assert FAFPN((16, 32, 64), 24)(maps).shape == (2, 24, 16, 18)


@pytest.mark.parametrize('count', [0, 1, 5])
def test_masks_are_probabilities(count: int) -> None:
    """MPMG gives one mask in 0..1 per head, for any number of targets."""
    masks = MPMG(16, heads=6, dim=8)(torch.randn(count, 16, 12, 4))
    assert masks.shape == (count, 6, 12, 4)
    assert bool(((masks >= 0) & (masks <= 1)).all())


def test_masked_pool_averages_under_the_mask() -> None:
    """A mask of one pixel gives that pixel; the global mask is the maximum of all."""
    x = torch.randn(2, 5, 3, 2)
    masks = torch.zeros(2, 2, 3, 2)
    masks[:, 0, 1, 0] = 1
    masks[:, 1, 2, 1] = 1
    pooled_global, local = masked_pool(x, masks)
    torch.testing.assert_close(local[:, 0], x[:, :, 1, 0])
    torch.testing.assert_close(local[:, 1], x[:, :, 2, 1])
    torch.testing.assert_close(pooled_global, (x[:, :, 1, 0] + x[:, :, 2, 1]) / 2)


def test_empty_masks_do_not_divide_by_zero() -> None:
    """Masks of zero give zero vectors, not NaN."""
    pooled_global, local = masked_pool(torch.randn(1, 5, 3, 2), torch.zeros(1, 2, 3, 2))
    assert bool((pooled_global == 0).all())
    assert bool((local == 0).all())


def test_diversity_of_equal_orthogonal_and_no_parts() -> None:
    """Diversity is 1 for identical parts, 0 for orthogonal ones and for no target."""
    same = torch.randn(3, 1, 8).expand(3, 4, 8)
    assert diversity(same).item() == pytest.approx(1.0, abs=1e-5)
    orthogonal = torch.eye(4, 8).expand(3, 4, 8)
    assert diversity(orthogonal).item() == pytest.approx(0.0, abs=1e-6)
    assert diversity(torch.zeros(0, 4, 8)).item() == 0.0


def test_joint_dot_product_is_the_mean_of_both_cosines() -> None:
    """One dot product is half the global cosine plus half the mean local cosine."""
    global_vector, local = torch.randn(2, 16), torch.randn(2, 6, 8)
    joint = joint_embedding(global_vector, local)
    expected = (F.cosine_similarity(global_vector[0], global_vector[1], dim=0)
                + F.cosine_similarity(local[0], local[1], dim=1).mean()) / 2
    torch.testing.assert_close(joint[0] @ joint[1], expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(joint.norm(dim=1), torch.ones(2))


def test_embedding_does_not_depend_on_the_batch(model: FineTrack) -> None:
    """A target's embedding is the same alone and among others, in another image of the batch."""
    images = torch.rand(2, 3, 128, 160, generator=torch.Generator().manual_seed(1)) * 255
    rois = torch.tensor([[0.0, 8, 8, 40, 100], [1.0, 20, 8, 60, 120]])
    crops = torch.randint(0, 256, (2, 96, 32, 3), dtype=torch.uint8)
    with torch.no_grad():
        together = model.embedder(model(images)[2], rois, crops)
        rois[1, 0] = 0
        alone = model.embedder(model(images[1:])[2], rois[1:], crops[1:])
    torch.testing.assert_close(together[1:], alone, atol=1e-5, rtol=1e-4)


def test_no_target_gives_no_embedding(model: FineTrack) -> None:
    """No region gives an empty array of the right width."""
    features = torch.randn(1, model.config.fafpn_channels, 16, 20)
    none = model.embedder(features, torch.zeros(0, 5), torch.zeros(0, 96, 32, 3))
    assert none.shape == (0, model.config.embedding_dim)


@pytest.mark.parametrize(('size', 'parameters'), [('nano', 0.91e6), ('tiny', 5.06e6),
                                                  ('s', 8.97e6), ('m', 25.3e6)])
def test_sizes_have_the_published_parameters(size: str, parameters: float) -> None:
    """Each YOLOX size has as many parameters as its authors publish."""
    count = sum(p.numel() for p in YOLOX(size).parameters())
    assert count == pytest.approx(parameters, rel=0.01)


def test_parameters_are_named_as_in_official_checkpoints() -> None:
    """A few names of each block, as they stand in Megvii's state dicts."""
    names = set(YOLOX('nano').state_dict())
    assert {'backbone.backbone.stem.conv.conv.weight',
            'backbone.backbone.dark2.0.dconv.conv.weight',
            'backbone.backbone.dark3.1.m.2.conv2.pconv.bn.running_mean',
            'backbone.backbone.dark5.1.conv2.bn.weight',
            'backbone.lateral_conv0.conv.weight', 'backbone.C3_p4.conv3.conv.weight',
            'backbone.reduce_conv1.bn.bias', 'backbone.bu_conv2.dconv.conv.weight',
            'backbone.C3_n4.m.0.conv1.conv.weight', 'head.cls_convs.0.1.dconv.bn.weight',
            'head.stems.2.conv.weight', 'head.obj_preds.1.bias'} <= names
