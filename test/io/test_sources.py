# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import itertools
import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from finetrack_ros.errors import SourceError
from finetrack_ros.io import open_source, VideoWriter


def numbered_image(number, height=48, width=64):
    """Return a plain image whose grey level tells its number."""
    return np.full((height, width, 3), 10 * number, np.uint8)


def number_of(image):
    return round(float(image.mean()) / 10)


def save_images(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names, 1):
        # By way of bytes: imwrite crashes where a path is not UTF-8.
        (folder / name).write_bytes(cv2.imencode('.png', numbered_image(number))[1].tobytes())
    return folder


@pytest.fixture
def sequence(tmp_path):
    """Return a MOTChallenge sequence folder of frames 1, 2, 3 and 5 at 10 fps."""
    folder = tmp_path / 'seq'
    save_images(folder / 'img1', ['000001.png', '000002.png', '000003.png', '000005.png'])
    (folder / 'seqinfo.ini').write_text(
        '[Sequence]\nname=Street-01\nimDir=img1\nframeRate=10\nseqLength=5\nimExt=.png\n')
    return folder


def test_folder_is_read_in_natural_order(tmp_path):
    folder = save_images(tmp_path / 'walk', ['f1.png', 'f2.png', 'f9.png', 'f10.png', 'f11.png'])
    (folder / 'notes.txt').write_text('not an image')
    with open_source(str(folder), fps=20) as source:
        frames = list(source)
    assert (source.name, source.fps, source.length) == ('walk', 20, 5)
    assert [number_of(frame.image) for frame in frames] == [1, 2, 3, 4, 5]
    assert [frame.index for frame in frames] == [1, 2, 3, 4, 5]
    assert [frame.stamp for frame in frames] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])


def test_sequence_takes_numbers_and_rate_from_its_files(sequence):
    with open_source(str(sequence)) as source:
        frames = list(source)
    assert (source.name, source.fps, source.length) == ('Street-01', 10, 4)
    assert [frame.index for frame in frames] == [1, 2, 3, 5]
    assert [frame.stamp for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.4])


def test_single_image_is_a_source_of_one_frame(tmp_path):
    save_images(tmp_path, ['one.png'])
    frames = list(open_source(str(tmp_path / 'one.png')))
    assert [(frame.index, frame.stamp, frame.image.shape) for frame in frames] == [
        (1, 0.0, (48, 64, 3))]


@pytest.mark.parametrize('suffix', ['.mp4', '.avi'])
def test_written_video_reads_back_with_its_stamps(tmp_path, suffix):
    path = tmp_path / 'new' / f'clip{suffix}'
    with VideoWriter(path, fps=12.5) as writer:
        for number in range(1, 9):
            writer.write(numbered_image(number))
    with open_source(str(path)) as source:
        frames = list(source)
    assert (source.name, source.length) == ('clip', 8)
    assert source.fps == pytest.approx(12.5)
    assert [number_of(frame.image) for frame in frames] == list(range(1, 9))
    assert [frame.stamp for frame in frames] == pytest.approx(
        [0.08 * i for i in range(8)], abs=2e-3)


class FakeCapture:
    """OpenCV capture of five frames whose container times go wrong."""

    def __init__(self, millis, fps=10.0, count=5):
        self._millis = iter(millis)
        self._now = 0.0
        self._properties = {cv2.CAP_PROP_FPS: fps, cv2.CAP_PROP_FRAME_COUNT: count}

    def isOpened(self):  # noqa: N802
        return True

    def read(self):
        self._now = next(self._millis, None)  # None is a read that fails
        return (self._now is not None), None if self._now is None else numbered_image(1)

    def get(self, prop):
        return self._now if prop == cv2.CAP_PROP_POS_MSEC else self._properties[prop]

    def release(self):
        pass


def read_fake(monkeypatch, tmp_path, **settings):
    path = tmp_path / 'fake.mp4'
    path.write_bytes(b'0')
    monkeypatch.setattr(cv2, 'VideoCapture', lambda url: FakeCapture(**settings))
    source = open_source(str(path))
    return source, [frame.stamp for frame in source]


def test_stamps_start_at_zero_and_follow_a_variable_rate(monkeypatch, tmp_path):
    _, stamps = read_fake(monkeypatch, tmp_path, millis=[500, 533, 700, 705, 1500])
    assert stamps == pytest.approx([0, 0.033, 0.2, 0.205, 1.0])


@pytest.mark.parametrize('millis', [
    [0, 0, 0, 0, 0], [0, float('nan'), -1, 0, float('inf')], [900, 0, 0, 0, 0]])
def test_stamps_that_do_not_rise_are_replaced_by_the_frame_rate(monkeypatch, tmp_path, millis):
    _, stamps = read_fake(monkeypatch, tmp_path, millis=millis)
    assert stamps == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_missing_frame_rate_is_assumed_with_a_warning(monkeypatch, tmp_path, caplog):
    source, _ = read_fake(monkeypatch, tmp_path, millis=[0, 0], fps=0.0, count=-1)
    assert (source.fps, source.length) == (30.0, None)
    assert 'no frame rate' in caplog.text


def test_early_end_of_a_video_is_reported(monkeypatch, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        read_fake(monkeypatch, tmp_path, millis=[0, 100, 200], count=100)
    assert 'frame 3 of 100' in caplog.text


ANY_BYTES = ('stra\udcdfe', 'ten%d', 'what?', 'no#1', '12:30:05', 'rtsp:cam', '0007')


@pytest.mark.parametrize('name', ANY_BYTES)
def test_names_of_any_bytes_are_read_and_written(tmp_path, monkeypatch, name):
    monkeypatch.chdir(save_images(tmp_path / name, ['1.png', '2.png']).parent)
    assert [number_of(frame.image) for frame in open_source(name)] == [1, 2]
    for suffix in ('.mp4', '.avi', '.mkv'):
        with VideoWriter(f'{name}{suffix}', 10) as writer:
            for number in range(1, 4):
                writer.write(numbered_image(number))
        with open_source(f'{name}{suffix}') as source:
            assert source.name == Path(f'{name}{suffix}').stem
            assert [number_of(frame.image) for frame in source] == [1, 2, 3]
    picture = Path(f'{name}.png')
    (Path(name) / '1.png').rename(picture)
    assert number_of(next(open_source(str(picture))).image) == 1


def test_what_exists_is_no_camera_and_no_stream(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_images(tmp_path / '7', ['1.png'])
    with open_source('7') as source:
        assert (source.name, len(list(source))) == ('7', 1)


@pytest.mark.parametrize('content', [b'', b'no image', b'\xff\xd8\xff'])
def test_damaged_images_of_a_folder_are_left_out_and_counted(sequence, caplog, content):
    (sequence / 'img1' / '000002.png').write_bytes(content)
    (sequence / 'img1' / '000005.png').write_bytes(content)
    with open_source(str(sequence)) as source:
        frames = list(source)
    assert [(frame.index, round(frame.stamp, 3)) for frame in frames] == [(1, 0), (3, 0.2)]
    assert (source.skipped, source.length) == (2, 4)
    warning, = caplog.records
    assert '000002.png' in warning.message and 'left out' in warning.message
    with open_source(str(sequence), strict=True) as source:
        assert next(source).index == 1
        with pytest.raises(SourceError, match='000002.png'):
            next(source)


def patterned(number):
    """Return an image that shows its number as a bar, on noise that makes its data large."""
    image = np.random.default_rng(number).integers(0, 60, (48, 128, 3)).astype(np.uint8)
    image[:, :3 * number] = 255
    return image


def bar_of(image):
    return round(float((image.astype(int).min(axis=2) > 150).mean(axis=0).sum()) / 3)


@pytest.mark.parametrize('suffix', ['.mp4', '.mkv', '.avi'])
def test_a_damaged_stretch_does_not_end_a_video(tmp_path, suffix, caplog):
    path = tmp_path / f'clip{suffix}'
    with VideoWriter(path, 25) as writer:
        for number in range(1, 41):
            writer.write(patterned(number))
    data = path.read_bytes()
    for start in (0.35, 0.6):
        first = int(start * len(data))
        data = data[:first] + bytes(len(data) // 20) + data[first + len(data) // 20:]
    path.write_bytes(data)
    with open_source(str(path)) as source:
        frames = list(source)
    # AVI has no times, so that what the container loses leaves no trace there.
    lost = 40 - frames[-1].index
    assert lost == 0 or suffix == '.avi'
    assert len(frames) > 25
    if suffix != '.avi':
        assert source.skipped == 40 - len(frames) > 0
        assert [round(25 * frame.stamp) + 1 for frame in frames] == [f.index for f in frames]
        assert sum(abs(bar_of(f.image) - f.index) <= 1 for f in frames) > 0.8 * len(frames)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_strict_video_stops_at_its_damage(monkeypatch, tmp_path):
    path = tmp_path / 'fake.mp4'
    path.write_bytes(b'0')
    monkeypatch.setattr(cv2, 'VideoCapture', lambda url: FakeCapture([0, 100, None, 300]))
    assert [frame.index for frame in open_source(str(path))] == [1, 2, 4]
    monkeypatch.setattr(cv2, 'VideoCapture', lambda url: FakeCapture([0, 100, None, 300]))
    with pytest.raises(SourceError, match='frame 3 cannot be decoded'):
        list(open_source(str(path), strict=True))


@pytest.mark.parametrize(('millis', 'numbers', 'stamps'), [
    ([None, None, 200, 300], [3, 4], [0.2, 0.3]),
    ([0, 100, None, None, None, 500], [1, 2, 6], [0, 0.1, 0.5]),
    ([0, 100, None, 700], [1, 2, 8], [0, 0.1, 0.7]),
    ([0, 33, 70, None, 400], [1, 2, 3, 5], [0, 0.033, 0.07, 0.4]),
    ([0, 0, None, 0], [1, 2, 4], [0, 0.1, 0.3]),
    ([0, 100, 200, 300, 400, 500, 900], [1, 2, 3, 4, 5, 6, 10], [0, .1, .2, .3, .4, .5, .9]),
    ([0, 100, 200, 270, 400, 500, 900], [1, 2, 3, 4, 5, 6, 7], [0, .1, .2, .27, .4, .5, .9]),
], ids=['start', 'reads', 'times', 'variable', 'no times', 'silent', 'silent and variable'])
def test_numbers_and_stamps_go_on_behind_damage(monkeypatch, tmp_path, millis, numbers, stamps):
    source, got = read_fake(monkeypatch, tmp_path, millis=millis, count=len(millis))
    assert got == pytest.approx(stamps)
    assert source.skipped == numbers[-1] - len(numbers)
    path = tmp_path / 'fake.mp4'
    monkeypatch.setattr(cv2, 'VideoCapture', lambda url: FakeCapture(millis))
    assert [frame.index for frame in open_source(str(path))] == numbers


@pytest.mark.parametrize(('deep', 'found'), [
    (lambda look: 16 * look, '12 bits'), (lambda look: 4 * look + 7000, '7000 to 7992'),
    (lambda look: 257 * look, '16 bits'), (lambda look: look, '8 bits')],
    ids=['12 bits', 'thermal', '16 bits', '8 bits'])
def test_deep_images_of_a_folder_come_out_as_they_look(tmp_path, caplog, deep, found):
    look = np.tile(np.arange(0, 256, 8, np.uint16), (24, 1))
    for number in range(3):
        assert cv2.imwrite(str(tmp_path / f'{number}.png'), deep(look).astype(np.uint16))
    with caplog.at_level(logging.INFO):
        images = [frame.image for frame in open_source(str(tmp_path))]
    for image in images:
        assert image.shape == (24, 32, 3) and image.dtype == np.uint8
        assert np.abs(image - look[..., None].astype(float)).max() < 10
    note, = caplog.records
    assert found in note.message


def unreadable_sources(folder: Path):
    """Yield (source, part of the message) for what a user may get wrong."""
    yield folder / 'missing.mp4', 'does not exist'
    (folder / 'empty').mkdir()
    yield folder / 'empty', 'holds no images'
    (folder / 'text.mp4').write_text('this is no video')
    yield folder / 'text.mp4', 'cannot be decoded'
    (folder / 'broken').mkdir()
    (folder / 'broken' / '1.jpg').write_bytes(b'no jpeg')
    yield folder / 'broken', 'cannot be decoded'
    for name, text, problem in [
            ('noimages', '[Sequence]\nframeRate=30\n', 'does not exist'),
            ('nosection', 'frameRate=30\n', 'seqinfo.ini'),
            ('badrate', '[Sequence]\nframeRate=fast\n', 'seqinfo.ini'),
            ('zerorate', '[Sequence]\nframeRate=0\n', 'frameRate=0')]:
        (folder / name).mkdir()
        (folder / name / 'seqinfo.ini').write_text(text)
        yield folder / name, problem
    save_images(folder / 'unnumbered' / 'img1', ['a.png'])
    (folder / 'unnumbered' / 'seqinfo.ini').write_text('[Sequence]\nframeRate=30\n')
    yield folder / 'unnumbered', 'frame number'
    save_images(folder / 'twice' / 'img1', ['1.png', '01.png'])
    (folder / 'twice' / 'seqinfo.ini').write_text('[Sequence]\nframeRate=30\n')
    yield folder / 'twice', 'two images'


def test_each_unreadable_source_gets_its_own_message(tmp_path):
    for source, problem in unreadable_sources(tmp_path):
        with pytest.raises(SourceError, match=problem) as caught:
            list(open_source(str(source)))
        assert str(source) in str(caught.value)


@pytest.mark.parametrize('fps', [0, -5, float('nan'), 1e6])
def test_frame_rates_that_mean_nothing_are_refused(tmp_path, fps):
    save_images(tmp_path, ['one.png'])
    with pytest.raises(SourceError, match='frames per second'):
        open_source(str(tmp_path), fps=fps)


def test_absent_camera_is_named():
    with pytest.raises(SourceError, match='Camera 97'):
        open_source('97')


def test_video_writer_refuses_what_it_cannot_write(tmp_path):
    with pytest.raises(SourceError, match='.mp4'):
        VideoWriter(tmp_path / 'clip.xyz', 30)


def test_video_writer_fits_images_of_another_size(tmp_path, caplog):
    with VideoWriter(tmp_path / 'clip.avi', 30) as writer:
        for height, width in ((48, 64), (480, 320), (48, 640), (1, 1), (48, 64)):
            writer.write(numbered_image(20, height, width))
    with open_source(str(tmp_path / 'clip.avi')) as source:
        images = [frame.image for frame in source]
    assert {image.shape for image in images} == {(48, 64, 3)}
    filled = [float((image > 100).mean()) for image in images]
    assert filled == pytest.approx([1, 0.5, 0.1, 0.75, 1], abs=0.02)
    warning, = caplog.records
    assert '64x48' in warning.message and '320x480' in warning.message


def test_video_writer_reports_a_file_that_cannot_be_created(tmp_path):
    (tmp_path / 'clip.mp4').mkdir()
    writer = VideoWriter(tmp_path / 'clip.mp4', 30)
    with pytest.raises(SourceError, match='cannot be written'):
        writer.write(numbered_image(1))


def test_shared_sequence_is_read(shared_data):
    with open_source(str(shared_data / 'mot' / 'TUD-Campus')) as source:
        first = list(itertools.islice(source, 2))
    assert (source.name, source.fps, source.length) == ('TUD-Campus', 25, 71)
    assert first[1].image.shape == (480, 640, 3)
    assert first[1].stamp == pytest.approx(0.04)
