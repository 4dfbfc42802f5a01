# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Camera motion is found on a textured scene, and a still camera costs no flow."""

import cv2
import numpy as np
import pytest

from finetrack_ros.motion import CameraMotion, REFRESH

HEIGHT, WIDTH = 360, 640


@pytest.fixture(scope='module')
def scene():
    """Return a large picture with structure at the scale of windows and tiles."""
    noise = np.random.default_rng(0).integers(0, 255, (900, 1400, 3), dtype=np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 6)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX)


def view(scene, affine):
    """Return what a camera sees whose pixels map to the scene's by the affine [2, 3]."""
    return cv2.warpAffine(scene, affine, (WIDTH, HEIGHT),
                          flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def shifted(x, y, scale=1.0, degrees=0.0):
    """Return a view's affine: a similarity about the origin, then a shift."""
    affine = cv2.getRotationMatrix2D((0, 0), degrees, scale)
    affine[:, 2] += (x, y)
    return affine


def test_there_is_no_motion_at_the_start_or_after_reset(scene):
    motion = CameraMotion()
    assert motion.estimate(view(scene, shifted(100, 100))) is None
    motion.reset()
    assert motion.estimate(view(scene, shifted(110, 100))) is None


@pytest.mark.parametrize(('x', 'y', 'scale', 'degrees'), [
    (6, 0, 1, 0), (-3, 8, 1, 0), (0, 0, 1.03, 0), (4, -2, 0.98, 1.5)])
def test_points_of_the_scene_are_carried_to_the_new_frame(scene, x, y, scale, degrees):
    first, second = shifted(300, 200), shifted(300 + x, 200 + y, scale, degrees)
    motion = CameraMotion()
    motion.estimate(view(scene, first))
    affine = motion.estimate(view(scene, second))
    points = np.array([[50.0, 50], [600, 60], [320, 180], [80, 330]])
    in_scene = points @ first[:, :2].T + first[:, 2]
    expected = (in_scene - second[:, 2]) @ np.linalg.inv(second[:, :2]).T
    np.testing.assert_allclose(points @ affine[:, :2].T + affine[:, 2], expected, atol=1.0)


def test_a_still_camera_with_noise_does_not_move(scene):
    rng, motion, image = np.random.default_rng(1), CameraMotion(), view(scene, shifted(300, 200))
    for _ in range(5):
        noisy = np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)
        assert motion.estimate(noisy) is None


@pytest.mark.parametrize('frames', [1, REFRESH - 1, REFRESH, REFRESH + 1, 3 * REFRESH + 5])
def test_a_camera_that_stood_still_is_found_to_move(scene, frames):
    motion, image = CameraMotion(), view(scene, shifted(300, 200))
    for _ in range(frames + 1):
        assert motion.estimate(image) is None
    for step in (1, 2):
        affine = motion.estimate(view(scene, shifted(300 + 8 * step, 200)))
        np.testing.assert_allclose(affine, [[1, 0, -8], [0, 1, 0]], atol=0.5)


@pytest.mark.parametrize('creep', [0.2, 0.6])
def test_a_motion_too_slow_to_notice_does_not_add_up(scene, creep):
    motion, x = CameraMotion(), 300.0
    for _ in range(20):
        assert motion.estimate(view(scene, shifted(x, 200))) is None
        x += creep
    affine = motion.estimate(view(scene, shifted(x - creep + 8, 200)))
    np.testing.assert_allclose(affine, [[1, 0, -8], [0, 1, 0]], atol=0.5)


def test_people_who_move_do_not_move_the_camera(scene):
    motion, image = CameraMotion(), view(scene, shifted(300, 200))
    box = np.array([[100.0, 0, 420, 360]])
    crowd = view(scene, shifted(700, 500))
    for step in range(4):
        frame = image.copy()
        frame[:, 100:420] = crowd[:, 100 + 9 * step:420 + 9 * step]
        assert motion.estimate(frame, box) is None


def test_a_picture_without_corners_gives_no_motion():
    motion = CameraMotion()
    for level in (0, 100, 200):
        assert motion.estimate(np.full((HEIGHT, WIDTH, 3), level, np.uint8)) is None


def test_another_image_size_starts_anew(scene):
    motion = CameraMotion()
    motion.estimate(view(scene, shifted(300, 200)))
    assert motion.estimate(view(scene, shifted(300, 200))[:200]) is None
