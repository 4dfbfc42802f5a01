# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import os
from zipfile import ZipFile

import pytest

from finetrack_ros.errors import SourceError
from finetrack_ros.recordings.listing import file_system, find_recordings, fingerprint, Recording

pytest.importorskip('fsspec', reason='needs the extra batch')


@pytest.fixture
def days(tmp_path, monkeypatch):
    """Return a folder of recordings of two days, which is where we are."""
    for name in ('day1/2.mp4', 'day1/10.mp4', 'day2/2.mp4', 'day2/odd[1].mp4', 'day2/x y.mkv'):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sources(recordings, folder):
    return [os.path.relpath(recording.source, folder) for recording in recordings]


def test_patterns_come_in_natural_order_and_once(days):
    found = find_recordings(['day1/*.mp4', str(days / 'day1/2.mp4'), 'day?/**/2.mp4'])
    assert sources(found, days) == ['day1/2.mp4', 'day1/10.mp4', 'day2/2.mp4']
    assert [recording.name for recording in found] == ['day1_2.mp4', '10.mp4', 'day2_2.mp4']


def test_what_exists_is_no_pattern(days):
    found = find_recordings(['day2/odd[1].mp4', 'day2/x y.mkv'])
    assert [recording.name for recording in found] == ['odd_1_.mp4', 'x_y.mkv']


def test_manifest_is_relative_to_its_folder(days, tmp_path, monkeypatch):
    (days / 'day1/list.txt').write_text('# all\n2.mp4  # the first\n\n../day2/*.mkv\n')
    monkeypatch.chdir('/')
    found = find_recordings([], days / 'day1/list.txt')
    assert [recording.name for recording in found] == ['2.mp4', 'x_y.mkv']


def test_names_of_earlier_runs_are_kept(days):
    first, = find_recordings(['day1/2.mp4'])
    assert first.name == '2.mp4'
    found = find_recordings(['day2/2.mp4', 'day1/2.mp4'], known={first.source: first.name})
    assert [recording.name for recording in found] == ['day2_2.mp4', '2.mp4']


def test_names_never_meet(tmp_path):
    for name in ('a_b/c.mp4', 'a/b_c.mp4', 'a/b/c.mp4', 'c.mp4', 'a b/c.mp4'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = [recording.name for recording in find_recordings([str(tmp_path / '**/*.mp4')])]
    assert len(set(names)) == len(names) == 5


def test_recordings_elsewhere_are_found_by_url(tmp_path):
    with ZipFile(tmp_path / 'all.zip', 'w') as archive:
        for name in ('in/2.mp4', 'in/10.mp4'):
            archive.writestr(name, name)
    url = f'zip://in/*.mp4::file://{tmp_path}/all.zip'
    found = find_recordings([url])
    assert [recording.name for recording in found] == ['2.mp4', '10.mp4']
    assert all(recording.is_url for recording in found)
    system, path = file_system(found[0].source)
    assert system.cat_file(path) == b'in/2.mp4'
    assert fingerprint(found[0]) != fingerprint(found[1])


@pytest.mark.parametrize(('wanted', 'problem'), [
    ([], 'no recordings to track'),
    (['nowhere.mp4'], "Nothing is found for 'nowhere.mp4'"),
    (['nowhere/*.mp4'], 'put patterns in quotes'),
    (['nostore://a/*.mp4'], 'cannot be reached')])
def test_nothing_found_is_told(wanted, problem):
    with pytest.raises(SourceError, match=problem):
        find_recordings(wanted)


def test_missing_manifest_is_told(tmp_path):
    with pytest.raises(SourceError, match=r"Manifest '.*none\.txt' cannot be read"):
        find_recordings([], tmp_path / 'none.txt')


def test_fingerprint_changes_with_any_file(days):
    folder = Recording('day1', str(days / 'day1'))
    first = fingerprint(folder)
    assert fingerprint(folder) == first
    os.utime(days / 'day1/2.mp4', (1, 1))
    second = fingerprint(folder)
    (days / 'day1/3.mp4').touch()
    assert len({first, second, fingerprint(folder)}) == 3


def test_fingerprint_of_nothing_is_an_error(tmp_path):
    with pytest.raises(SourceError, match='cannot be found'):
        fingerprint(Recording('none', str(tmp_path / 'none')))
