# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import base64
from html.parser import HTMLParser
import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from finetrack_ros.cli import app
from finetrack_ros.evaluation.mot import evaluate_parts, read_parts
from finetrack_ros.evaluation.mot_report import bars_figure, build_report, curves_figure

LONGEST = 30


class Reader(HTMLParser):
    """Collect the images, their descriptions and the text of a page."""

    def __init__(self, html):
        super().__init__()
        self.images, self.alts, self.text, self.tags = [], [], '', []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == 'img':
            self.images.append(dict(attrs)['src'])
            self.alts.append(dict(attrs)['alt'])

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def streets(write_walk, tmp_path):
    """
    Return a function that writes sequences of two people, and results.

    Person 1 has id 1 up to frame 20 and 9 from then on, and 5 in frame 10; person 2 has id 2.
    """
    def write(*names, images=False):
        (tmp_path / 'results').mkdir()
        for name in names:
            folder = write_walk(name, parent=tmp_path / 'gt')
            lines = []
            for line in (folder / 'gt' / 'gt.txt').read_text().splitlines():
                frame, person, *box = line.split(',')[:6]
                if person == '1':
                    person = '5' if frame == '10' else '1' if int(frame) < 21 else '9'
                lines.append(','.join([frame, person, *box, '0.9,-1,-1,-1\n']))
            (tmp_path / 'results' / f'{name}.txt').write_text(''.join(lines))
            for frame in range(1, 31) if images else ():
                image = np.full((240, 320, 3), 90, np.uint8)
                path = folder / 'img1' / f'{frame:06}.jpg'
                path.parent.mkdir(exist_ok=True)
                cv2.imwrite(str(path), image)
        return tmp_path / 'gt', tmp_path / 'results'
    return write


def report(gt, results, strips=8):
    return Reader(build_report(evaluate_parts(read_parts(gt, results)), '', strips).html())


def test_the_worst_switch_comes_first(streets):
    page = report(*streets('walk', images=True))
    assert page.alts[1:] == [
        'walk, frame 21: person 1 changes from id 1 to 9',
        'walk, frame 11: person 1 changes from id 5 to 1',
        'walk, frame 10: person 1 changes from id 1 to 5']
    assert ('Id 1 lasted 10 frames, id 9 (never seen before) lasts 10 frames.' in page.text)
    assert ('Id 5 lasted 1 frame, id 1 (seen on this person before) lasts 10 frames.'
            in page.text)
    assert 'no images' not in page.text


def test_strips_show_the_images(streets):
    page = report(*streets('walk', images=True), strips=1)
    [strip] = [source for source in page.images if source.startswith('data:image/jpeg')]
    data = np.frombuffer(base64.b64decode(strip.split(',')[1]), np.uint8)
    strip = cv2.imdecode(data, cv2.IMREAD_COLOR).astype(int)
    grey = (np.abs(strip - 90) < 3).all(axis=2).mean()
    assert grey > 0.4
    assert 'There are 3; 1 are shown.' in page.text


def test_without_images_strips_are_blank_and_it_is_said(streets):
    gt, results = streets('here', 'there', images=True)
    shutil.rmtree(gt / 'there' / 'img1')
    page = report(gt, results)
    assert len(page.images) == 2 + 6
    assert f"because there are no images there: '{gt / 'there' / 'img1'}'." in page.text
    assert str(gt / 'here') not in page.text


def test_without_switches_it_says_so(streets):
    gt, results = streets('walk')
    shutil.copy(gt / 'walk' / 'gt' / 'gt.txt', results / 'walk.txt')
    page = report(gt, results)
    assert page.text.rstrip().endswith('There are none.')
    assert len(page.images) == 1


def test_empty_results_make_a_report(streets):
    gt, results = streets('walk')
    (results / 'walk.txt').write_text('')
    page = report(gt, results)
    assert 'There are none.' in page.text
    assert '60' in page.text


def test_names_are_texts_and_no_formulas(streets):
    name = '_<img src=x>$\\frac$&'
    gt, results = streets(name, 'b$c')
    page = report(gt, results)
    assert page.tags.count('img') == len(page.images) == 2 + 6
    assert all(source.startswith('data:') for source in page.images)
    assert name in page.text


def test_figures_show_every_sequence(streets):
    names = [f'street{number:02}' for number in range(12)]
    few = evaluate_parts(read_parts(*streets(*names), names[:3]))
    labels = [text.get_text() for text in curves_figure(few).legends[0].get_texts()]
    assert labels == [*names[:3], 'combined']
    many = evaluate_parts(read_parts(*[few.parts[names[0]].sequence.folder.parent,
                                       few.parts[names[0]].sequence.folder.parents[1]
                                       / 'results']))
    assert all(len(plot.lines) == 13 for plot in curves_figure(many).axes)
    assert all(len(plot.patches) == 13 for plot in bars_figure(many).axes)
    line = curves_figure(many).axes[0].lines[0]
    assert line.get_ydata() == pytest.approx(many.curves[names[0]]['HOTA'])


def test_the_command_writes_report_and_json(streets, tmp_path):
    gt, results = streets('walk', images=True)
    done = CliRunner().invoke(app, [
        'eval', '--gt', str(gt), '--results', str(results), '--frames', 'val-half', '--report',
        str(tmp_path / 'out' / 'report.html'), '--json', str(tmp_path / 'scores.json')])
    assert done.exit_code == 0, done.output
    page = Reader((tmp_path / 'out' / 'report.html').read_text(encoding='utf-8'))
    assert f'{results} against {gt}; frames: val-half; by finetrack ' in page.text
    assert (tmp_path / 'out' / 'report.html').stat().st_size < 500_000
    content = json.loads((tmp_path / 'scores.json').read_text())
    # ByteTrack's validation half of 30 frames begins at frame 17.
    assert content['scores']['walk']['Frames'] == 14
    assert content['alphas'][0] == 0.05
    assert len(content['curves']['COMBINED']['AssA']) == len(content['alphas']) == 19
    assert content['switches'] == {'walk': [{
        'truth_id': 1, 'frame': 21, 'last_frame': 20, 'old_id': 1, 'new_id': 9, 'old_frames': 4,
        'new_frames': 10, 'seen_on': None}]}


def test_without_a_report_nothing_is_drawn(streets):
    gt, results = streets('walk')
    code = ('import sys; from finetrack_ros.cli import app; '
            f'app(["eval", "--gt", {str(gt)!r}, "--results", {str(results)!r}], '
            'standalone_mode=False); '
            'print([name for name in ("matplotlib", "torch") if name in sys.modules])')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True,
                          timeout=120, check=True)
    assert done.stdout.splitlines()[-1] == '[]'


def test_reports_of_real_sequences_stay_small(shared_data, tmp_path):
    """Thirty strips of 960x540 video, by ids that change all the time."""
    lines = []
    for line in (shared_data / 'mot' / 'MOT16-09' / 'gt' / 'gt.txt').read_text().splitlines():
        frame, person, *box = line.split(',')[:6]
        lines.append(','.join([frame, str(1000 * int(person) + int(frame) // 25), *box, '1\n']))
    (tmp_path / 'MOT16-09.txt').write_text(''.join(lines))
    evaluation = evaluate_parts(read_parts(shared_data / 'mot' / 'MOT16-09', tmp_path))
    build_report(evaluation, '', LONGEST).write(tmp_path / 'report.html')
    page = Reader((tmp_path / 'report.html').read_text(encoding='utf-8'))
    assert len(page.images) == 1 + LONGEST
    assert (tmp_path / 'report.html').stat().st_size < 5_000_000
