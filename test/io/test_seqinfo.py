# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from finetrack_ros.errors import SourceError
from finetrack_ros.evaluation.ground_truth import read_sequence
from finetrack_ros.io import read_seqinfo


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a sequence's seqinfo.ini and gives the folder."""
    def run(text):
        (tmp_path / 'street').mkdir()
        (tmp_path / 'street' / 'seqinfo.ini').write_text(text)
        return tmp_path / 'street'
    return run


def test_what_is_stated_is_read(write):
    info = read_seqinfo(write('[Sequence]\nname=MOT16-09\nimDir=frames\nframeRate=12.5\n'
                              'seqLength=40\nimExt=.jpg\n'))
    assert (info.name, info.frame_rate, info.length) == ('MOT16-09', 12.5, 40)
    assert info.images.name == 'frames'


def test_names_may_hold_any_sign(write):
    info = read_seqinfo(write('\ufeff[Sequence]\nname=100%_done %(x)s\nimDir=50%\n'))
    assert (info.name, info.images.name) == ('100%_done %(x)s', '50%')


def test_what_is_not_stated_is_as_usual(write):
    info = read_seqinfo(write('[Sequence]\n'))
    assert (info.name, info.frame_rate, info.length) == ('street', 30.0, None)
    assert info.images.name == 'img1'


@pytest.mark.parametrize(('text', 'problem'), [
    ('', 'not a MOTChallenge'), ('[Sequence]\nseqLength=many\n', 'many'),
    ('[Sequence]\nframeRate=0\n', 'frameRate=0'),
    ('[Sequence]\nframeRate=nan\n', 'frameRate=nan')])
def test_malformed_files_are_refused(write, text, problem):
    with pytest.raises(SourceError, match=problem) as caught:
        read_seqinfo(write(text))
    assert 'seqinfo.ini' in str(caught.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError, match='seqinfo.ini. does not exist'):
        read_seqinfo(tmp_path)


def test_ground_truth_needs_the_length(write):
    folder = write('[Sequence]\nframeRate=30\n')
    (folder / 'gt').mkdir()
    (folder / 'gt' / 'gt.txt').write_text('1,1,10,10,20,40,1,1,1\n')
    with pytest.raises(SourceError, match='states no length'):
        read_sequence(folder)
