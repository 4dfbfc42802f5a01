# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Time the tracker node over DDS in turn with a bare relay, each in a process of its own.

The node runs a stand-in for the model, which returns the same walking people at a set cost, so
that what is left is the node's own work. The relay receives the same 720p images with the same
quality of service and answers at once with an array of the same size: what it takes is the price
of rclpy and DDS. Both are pinned to one core and take turns, image by image, so that a noisy
machine slows both. A node that loses people gets no time.

In the table, work starts when the node's worker takes an image. rclpy deserialises it before that,
for the relay too; what handing it to the worker costs is the difference of the two in the first
row. "more than the relay" compares end to end and so misses nothing.
After `make setup` and `. tools/env.sh`:

    python benchmarks/node.py
    python benchmarks/node.py --model finetrack_nano --image street.jpg
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from contextlib import ExitStack
import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
import time

import cv2
from node_peers import SIZE
import numpy as np
from numpy.typing import NDArray
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import ReliabilityPolicy
from rich.console import Console
from rich.table import Table
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from finetrack_ros.io.native_paths import read_image
from finetrack_ros.msg import Latency
from finetrack_ros.ros.config.environment import large_images_environment
from finetrack_ros.ros.demo.run import die_with_parent
from finetrack_ros.ros.inputs.topic_input import newest_qos
from finetrack_ros.ros.messages.image_conversions import to_image_message

PEERS = Path(__file__).with_name('node_peers.py')
WARM_UP = 30
DEADLINE = 60.0
#: Seconds between two turns, in which the node's timers and garbage collection may run.
PAUSE = 0.005


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--turns', type=int, default=300, help='images sent to each (%(default)s)')
    parser.add_argument('--people', type=int, default=20, help='in each image (%(default)s)')
    parser.add_argument('--cost', type=float, default=20.0,
                        help='milliseconds that the stand-in for the model takes (%(default)s)')
    parser.add_argument('--core', type=int, default=max(os.sched_getaffinity(0)),
                        help='core of the node and of the relay (%(default)s)')
    parser.add_argument('--moving', action='store_true',
                        help='shift the image each time, as a moving camera does')
    parser.add_argument('--image', type=Path, help='picture to send, scaled to 1280x720')
    parser.add_argument('--model', help='time the node with this model too, on all cores')
    return parser.parse_args()


class Peer:
    """A process that is timed: sends it an image, waits for its answer, keeps the times."""

    def __init__(self, node: Node, role: str, options: argparse.Namespace, log: Path) -> None:
        self.role = role
        self.label = {'relay': 'relay', 'node': 'node'}.get(
            role, f'{options.model}, all cores')
        self.seconds: list[float] = []
        self.counts: list[int] = []
        self.latencies: list[Latency] = []
        self._answer = Detection2DArray()
        self._log = log
        qos = newest_qos(ReliabilityPolicy.RELIABLE)
        self._publisher = node.create_publisher(Image, f'{role}/image', qos)
        node.create_subscription(Detection2DArray, f'{role}/tracks', self._receive, 10)
        node.create_subscription(Latency, f'{role}/tracker/latency', self.latencies.append, 10)
        command = [sys.executable, PEERS, role, options.people, options.cost, options.core,
                   '--ros-args', '-r', f'__ns:=/{role}']
        if role != 'relay':
            command += ['-p', 'reliability:=reliable']
        if role == 'model':
            command += ['-p', f'model:={options.model}']
        with log.open('w') as output:
            self._process = subprocess.Popen(
                list(map(str, command)), stdout=output, stderr=output, preexec_fn=die_with_parent)

    def _receive(self, msg: Detection2DArray) -> None:
        self._answer = msg

    @property
    def is_ready(self) -> bool:
        """Return whether it is subscribed; end the run with its log if it has ended."""
        if self._process.poll() is not None:
            sys.exit(f'{self.role} has ended:\n{self._log.read_text()}')
        return bool(self._publisher.get_subscription_count())

    def turn(self, image: Image, executor: SingleThreadedExecutor, node: Node) -> bool:
        """Send one image; return whether it was answered in time."""
        image.header.stamp = node.get_clock().now().to_msg()
        start = time.perf_counter()
        self._publisher.publish(image)
        while self._answer.header.stamp != image.header.stamp:
            executor.spin_once(0.1)
            if time.perf_counter() - start > 1.0:
                return False
        self.seconds.append(time.perf_counter() - start)
        self.counts.append(len(self._answer.detections))
        return True

    def forget(self) -> None:
        """Forget the times of the warm-up."""
        for values in (self.seconds, self.counts, self.latencies):
            values.clear()

    def stop(self) -> None:
        """End the process."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()


def make_images(options: argparse.Namespace) -> list[Image]:
    """Return the messages to send, in turn: one, or several that are shifted."""
    if options.image is None:
        # Blurred noise: corners everywhere, as a street has them.
        noise = np.random.default_rng(0).integers(0, 256, (SIZE[1] // 8, SIZE[0] // 8, 3))
        picture = noise.astype(np.uint8)
    elif (read := read_image(options.image)) is None:
        sys.exit(f"'{options.image}' cannot be read as an image")
    else:
        picture = read
    picture = np.asarray(cv2.resize(picture, SIZE, interpolation=cv2.INTER_CUBIC))
    shifts = range(0, 40, 4) if options.moving else [0]
    pictures: list[NDArray[np.uint8]] = [np.roll(picture, shift, axis=1) for shift in shifts]
    return [to_image_message(p, Header(frame_id='camera')) for p in pictures + pictures[-2:0:-1]]


def run(peers: list[Peer], images: list[Image], turns: int, node: Node,
        executor: SingleThreadedExecutor) -> None:
    """Wait for the processes, then let them take turns."""
    end = time.monotonic() + DEADLINE
    while not all([peer.is_ready for peer in peers]):
        executor.spin_once(0.1)
        if time.monotonic() > end:
            sys.exit(f'the processes did not subscribe within {DEADLINE} s')
    lost = 0
    for turn in range(turns + WARM_UP):
        for peer in peers:
            lost += not peer.turn(images[turn % len(images)], executor, node)
            executor.spin_once(PAUSE)
            if turn == WARM_UP - 1:
                peer.forget()
                lost = 0
    if lost:
        sys.exit(f'{lost} of {turns * len(peers)} images came to nothing: no times to compare')


def summary(values: Iterable[float]) -> str:
    """Return median and 95th percentile of seconds, in milliseconds."""
    median, high = np.quantile(list(values), (0.5, 0.95)) * 1e3
    return f'{median:.2f} / {high:.2f}'


def check(peers: list[Peer], people: int) -> None:
    """End the run where people were lost: a node that tracks nobody is fast."""
    for peer in peers:
        if peer.role != 'model' and set(peer.counts) != {people}:
            sys.exit(f'{peer.role} answered with {sorted(set(peer.counts))} of {people} people: '
                     'no times to compare')


def report(peers: list[Peer], options: argparse.Namespace) -> Table:
    """Return the table."""
    cost = options.cost * 1e-3
    table = Table('ms, median / 95 %', *(peer.label for peer in peers), title=(
        f'{SIZE[0]}x{SIZE[1]} bgr8, {options.people} people, one core, {options.turns} turns, '
        f'{"moving" if options.moving else "still"} camera'))
    for column in table.columns[1:]:
        column.justify = 'right'
    for label, name in (('image sent to start of work', 'age'), ('decoding', 'decoding'),
                        ('inference', 'inference'), ('tracking', 'tracking'),
                        ('publishing', 'publishing')):
        table.add_row(label, *(summary(getattr(t, name) for t in p.latencies) for p in peers))
    table.add_section()
    table.add_row('start of work to published, less inference', *(
        summary(t.total - t.age - t.inference for t in p.latencies) for p in peers))
    table.add_row('image sent to answer received', *(summary(p.seconds) for p in peers))
    relay, node = np.array(peers[0].seconds), np.array(peers[1].seconds) - cost
    table.add_row(f'  less the {options.cost:g} ms of the stand-in', summary(relay), summary(node))
    table.add_row('  more than the relay', '', summary(node - relay))
    table.add_row('  ratio to the relay', '', f'{np.median(node) / np.median(relay):.2f}')
    return table


def main() -> None:
    """Run and print the table."""
    options = arguments()
    images = make_images(options)
    # The publisher must not take the core's time from what it measures.
    os.sched_setaffinity(0, os.sched_getaffinity(0) - {options.core} or {options.core})
    os.environ.update(large_images_environment())
    rclpy.init(args=[])
    node = Node('benchmark')
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    roles = ['relay', 'node'] + ['model'] * bool(options.model)
    with tempfile.TemporaryDirectory() as logs, ExitStack() as stack:
        stack.callback(rclpy.try_shutdown)
        peers = [Peer(node, role, options, Path(logs, role)) for role in roles]
        for peer in peers:
            stack.callback(peer.stop)
        run(peers, images, options.turns, node, executor)
    check(peers, options.people)
    Console().print(report(peers, options))


if __name__ == '__main__':
    main()
