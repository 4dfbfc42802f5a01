# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/interface.md say what the running node has, no more and no less."""

import ast
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from pathlib import Path
import re
import time
from typing import NamedTuple

import pytest
from rclpy.lifecycle import LifecycleNode
from rclpy.node import NodeNameNonExistentError
import yaml

from finetrack_ros.inference.registry import engine_names
from finetrack_ros.io.image_encodings import ENCODINGS, MAX_PIXELS
from finetrack_ros.ros.config.parameters import PARAMETERS
from finetrack_ros.ros.inputs.detection_input import MAX_CLASSES
from finetrack_ros.ros.player.video_player_node import PARAMETERS as PLAYER_PARAMETERS
from finetrack_ros.tracking.tracker import MAX_REMEMBERED

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / 'docs' / 'interface.md').read_text()
PROSE = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
SPECS = {spec.name: spec for spec in PARAMETERS}
LIMITS = {'pixels of an image': MAX_PIXELS, 'unseen tracks remembered': MAX_REMEMBERED,
          'classes of another detector': MAX_CLASSES}
LAUNCH_FILES = sorted((ROOT / 'launch').glob('*.launch.py'))
# Attributes of the class Tracker that pages speak of, which are no parameters.
ATTRIBUTES = {'tracker.events', 'tracker.evidence', 'tracker.rejected'}
DEADLINE = 30.0
NUMBERS = count()

# What a row's last cell may say of when its topic is there.
MODE = re.compile(r'with `(\w+): (\w+)`')
PACKAGE = re.compile(r'where `(\w+)` is installed')
REPLACED = re.compile(r'instead of `([^`]+)`')


class Row(NamedTuple):
    """One topic or service."""

    name: str
    type: str
    text: str


def table(heading):
    """Return the cells of the table whose heading row begins so."""
    _, _, rest = PAGE.partition(f'\n{heading}')
    assert rest, f'the page has no table with the heading "{heading}"'
    rows = rest.partition('\n\n')[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip('|').split('|')] for row in rows]


def topics(direction):
    """Return the topics that are documented as 'in' or 'out'."""
    return [Row(name.strip('`'), kind.strip('`'), text)
            for way, name, kind, text in table('| | topic | type | |') if way == direction]


def present(row, mode):
    """Say whether a topic is documented as there in a mode of the node."""
    needed, package = MODE.search(row.text), PACKAGE.search(row.text)
    return ((needed is None or mode.get(needed[1]) == needed[2])
            and (package is None or find_spec(package[1]) is not None))


def resolve(name, prefix=''):
    """Return the full name of a topic of the node /tracker."""
    if name.startswith('/'):
        return name
    return f'/tracker/{prefix}{name[2:]}' if name.startswith('~/') else f'/{prefix}{name}'


def documented(direction, mode, prefixes=('',)):
    """Return full names and types of the topics of a mode."""
    rows = [row for row in topics(direction) if present(row, mode)]
    replaced = {match[1] for row in rows if (match := REPLACED.search(row.text))}
    return {(resolve(row.name, prefix), row.type.replace('/', '/msg/'))
            for row in rows if row.name not in replaced for prefix in prefixes}


def modes():
    """Return the parameters of the modes that the rows name, and those of none."""
    rows = [*topics('in'), *topics('out')]
    named = sorted({match.groups() for row in rows if (match := MODE.search(row.text))})
    return [{}, *({name: value} for name, value in named)]


class Graph:
    """What a node has, seen from another one, without what every lifecycle node has."""

    def __init__(self, bench):
        self.bench = bench
        # Named anew each time: the graph remembers for a while what earlier ones had.
        self.bare = LifecycleNode(f'bare_{next(NUMBERS)}', context=bench.context)

    def close(self):
        self.bare.destroy_node()
        self.bare._state_machine.destroy_when_not_in_use()

    def ask(self, kind):
        """Return names and types of the tracker's publishers, subscribers or services."""
        names = getattr(self.bench.node, f'get_{kind}_names_and_types_by_node')
        try:
            found = names('tracker', '/')
        except NodeNameNonExistentError:
            return set()
        bare = self.bare.get_name()
        everywhere = {name.replace(f'/{bare}/', '/tracker/') for name, _ in names(bare, '/')}
        return {(name, types[0]) for name, types in found if name not in everywhere}

    def report(self):
        """Return the nodes that are known, and what the processes printed."""
        nodes = self.bench.node.get_node_names_and_namespaces()
        return f'nodes: {sorted(nodes)}\n{self.bench.report()}'

    def settled(self, kind, expected, poke=lambda: None):
        """Return the same once it is what is expected and stays so, or at the deadline."""
        end = time.monotonic() + DEADLINE
        while self.ask(kind) != expected and time.monotonic() < end:
            poke()
            self.bench.spin(0.1)
        # Something more may come late.
        self.bench.spin(0.5)
        return self.ask(kind)


@pytest.fixture
def graph(own_bench):
    graph = Graph(own_bench)
    yield graph
    graph.close()


def message_type(kind):
    """Return the class of a type such as sensor_msgs/msg/Image."""
    package, _, name = kind.partition('/msg/')
    return getattr(import_module(f'{package}.msg'), name)


def check_topics(graph, mode, prefixes=('',)):
    """Compare a mode's topics, with a subscriber of each output and messages on each input."""
    node = graph.bench.node
    published, subscribed = (documented(way, mode, prefixes) for way in ('out', 'in'))
    for name, kind in published - {('/diagnostics', 'diagnostic_msgs/msg/DiagnosticArray')}:
        graph.bench.subscribe(message_type(kind), name)
    inputs = [(node.create_publisher(message_type(kind), name, 1), message_type(kind)())
              for name, kind in sorted(subscribed)]

    def send():
        for publisher, message in inputs:
            publisher.publish(message)

    found = graph.settled('publisher', published)
    assert found == published, graph.report()
    found = graph.settled('subscriber', subscribed, send)
    assert found == subscribed, graph.report()


@pytest.mark.parametrize('mode', modes(), ids=str)
def test_topics(graph, mode):
    graph.bench.start_tracker(**mode)
    check_topics(graph, mode)


def test_topics_of_several_cameras(graph):
    graph.bench.start_tracker(cameras="['front','rear']")
    check_topics(graph, {}, ('front/', 'rear/'))


def test_encodings():
    text = next(row.text for row in topics('in') if row.name == 'image')
    listed = set(re.findall(r'\w+', text.partition(';')[0]))
    assert listed == {re.sub('^bayer_.*', 'bayer', encoding) for encoding in ENCODINGS}


def test_services(graph):
    graph.bench.start_tracker()
    rows = [Row(name.strip('`'), kind.strip('`'), text)
            for name, kind, text in table('| service | type | |')]
    services = {(resolve(row.name), row.type.replace('/', '/srv/')) for row in rows}
    found = graph.settled('service', services)
    assert found == services, graph.report()


def test_parameters_have_their_true_defaults():
    shown = {}
    for name, default, _ in table('| parameter | default | |'):
        shown[name.strip('`')] = yaml.safe_load(re.match(r'`?([^`(\s]+)', default)[1])
    assert shown.keys() <= SPECS.keys()
    assert shown == {name: SPECS[name].default for name in shown}


@pytest.mark.parametrize('page', PROSE, ids=lambda path: path.name)
def test_parameters_in_prose_exist(page):
    named = set(re.findall(r'`(tracker\.[a-z]\w+)(?:: [^`]*)?`', page.read_text()))
    assert named - SPECS.keys() - ATTRIBUTES == set()


def test_parameters_of_the_player_have_their_true_defaults():
    shown = {name.strip('`'): yaml.safe_load(default.strip('`'))
             for name, default, _ in table('| parameter of the player | default | |')}
    assert shown == {spec.name: spec.default for spec in PLAYER_PARAMETERS}


def declared(path):
    """Return the names of a launch file's arguments."""
    return {node.args[0].value for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            and node.func.id == 'DeclareLaunchArgument'}


def test_launch_arguments():
    match = re.search(r'`tracker\.launch\.py` takes (.+?);', PAGE, re.DOTALL)
    assert match, 'the page lists no launch arguments'
    assert set(re.findall(r'`(\w+)`', match[1])) == declared(ROOT / 'launch/tracker.launch.py')


@pytest.mark.parametrize('page', PROSE, ids=lambda path: path.name)
def test_arguments_in_commands_exist(page):
    by_file = {path.name: declared(path) for path in LAUNCH_FILES}
    every = set().union(*by_file.values())
    for line in page.read_text().splitlines():
        file = next((name for name in by_file if name in line), None)
        assert set(re.findall(r'\b(\w+):=', line)) <= (by_file[file] if file else every), line


def test_limits():
    shown = {name.strip('`'): int(value) for name, value, _ in table('| at most | | |')}
    parameters = {name: SPECS[name].maximum for name in shown if name in SPECS}
    assert shown == LIMITS | parameters


def test_engines_that_are_missing_are_named():
    _, _, limits = PAGE.partition('## Limits')
    assert ('No TensorRT engine yet' in limits) == ('tensorrt' not in engine_names())
