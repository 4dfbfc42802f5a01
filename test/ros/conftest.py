# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bench for tests over real DDS: nodes in processes of their own, deadlines, no sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import fcntl
from importlib.util import find_spec
import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any, NamedTuple

import numpy as np
import pytest

HAS_ROS = bool(find_spec('rclpy') and find_spec('finetrack_ros.msg'))

if HAS_ROS:
    from builtin_interfaces.msg import Time
    from diagnostic_msgs.msg import DiagnosticArray
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.node import Node
    from sensor_msgs.msg import Image
    from std_msgs.msg import Header
    from vision_msgs.msg import Detection2DArray

    from finetrack_ros.ros.demo.run import die_with_parent
    from finetrack_ros.ros.messages.image_conversions import to_image_message

FAKE_TRACKER = Path(__file__).with_name('fake_tracker.py')
DEADLINE = 60.0
WIDTH, HEIGHT = 320, 240
SQUARE = 40

# Linux has room for the domains 0 to 101; 0 is everybody's.
DOMAINS = range(1, 102)


class ModuleWithoutRos(pytest.Module):
    """A test module that cannot be imported here."""

    def collect(self) -> Any:
        """Skip the module."""
        pytest.skip('needs ROS 2 and the built messages', allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> pytest.Module | None:
    """Skip all modules of this folder where ROS is absent."""
    return None if HAS_ROS else ModuleWithoutRos.from_parent(parent, path=module_path)


class Status(NamedTuple):
    """One status of /diagnostics."""

    level: bytes
    message: str
    values: dict[str, str]


def claim_domain() -> tuple[int, int]:
    """Return a ROS domain that no other test run here uses, and the file that locks it."""
    for domain in DOMAINS:
        path = Path(tempfile.gettempdir(), f'finetrack_ros_domain_{domain}.lock')
        lock = os.open(path, os.O_CREAT | os.O_WRONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return domain, lock
    pytest.fail('all ROS domains are in use by other test runs')


class Vitals(NamedTuple):
    """What a process holds at a moment."""

    megabytes: float
    threads: int
    files: int


class Bench:
    """A node of the test's own in its own ROS domain, and the processes that it tests."""

    def __init__(self, logs: Path) -> None:
        self.domain, self._lock = claim_domain()
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=self.domain)
        self.node = Node('bench', context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._processes: list[subprocess.Popen[str]] = []
        self._logs = logs
        self._clock = 1_000_000_000
        self._diagnostics = self.subscribe(DiagnosticArray, '/diagnostics')

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = DEADLINE) -> Any:
        """Spin until the condition holds and return its value; fail at the deadline."""
        end = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > end:
                pytest.fail(f'{what}: not within {seconds} s\n{self.report()}')
            self._executor.spin_once(0.05)
        return value

    def report(self) -> str:
        """Return what the processes printed and how they are."""
        logs = [f'{self.log(p)}(exit code {p.poll()})' for p in self._processes]
        return '\n'.join([*logs, *map(str, self.status().items())])

    def status(self) -> dict[str, Any]:
        """Return the newest diagnostics of the tracker: by the last part of the name."""
        if not self._diagnostics:
            return {}
        return {status.name.rpartition(': ')[2]: Status(
            status.level, status.message, {v.key: v.value for v in status.values})
            for status in self._diagnostics[-1].status}

    def spin(self, seconds: float) -> None:
        """Spin for a while, to see that nothing comes."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(left)

    def start(self, *command: Any, **parameters: Any) -> subprocess.Popen[str]:
        """Start a Python process with ROS parameters; its output goes to :meth:`log`."""
        arguments = [sys.executable, *map(str, command), '--ros-args']
        for name, value in parameters.items():
            arguments += ['-p', f'{name.replace("__", ".")}:={value}']
        log = self._logs / f'{len(self._processes)}.log'
        with log.open('w') as output:
            process = subprocess.Popen(
                arguments, stdout=output, stderr=subprocess.STDOUT, text=True,
                env={**os.environ, 'ROS_DOMAIN_ID': str(self.domain), 'OMP_NUM_THREADS': '1'},
                # What outlives a killed test run would answer in the next run's domain.
                preexec_fn=die_with_parent)
        self._processes.append(process)
        return process

    def start_tracker(self, **parameters: Any) -> subprocess.Popen[str]:
        """Start the tracker with a model that sees white squares; tracks begin at once."""
        return self.start(FAKE_TRACKER, tracker__confirm_hits=1, **parameters)

    def vitals(self, process: subprocess.Popen[str]) -> Vitals:
        """Return what a process holds at present."""
        folder = Path('/proc', str(process.pid))
        lines = (line.partition(':') for line in (folder / 'status').read_text().splitlines())
        status = {key: value for key, _, value in lines}
        return Vitals(int(status['VmRSS'].split()[0]) / 1024, int(status['Threads']),
                      len(list((folder / 'fd').iterdir())))

    def log(self, process: subprocess.Popen[str]) -> str:
        """Return what a process has printed so far."""
        return (self._logs / f'{self._processes.index(process)}.log').read_text()

    def stop(self, process: subprocess.Popen[str]) -> int:
        """Interrupt a process and return its exit code."""
        process.send_signal(signal.SIGINT)
        return process.wait(DEADLINE)

    def subscribe(self, message_type: type, topic: str, qos: Any = 50) -> list[Any]:
        """Return a list that grows with each message."""
        messages: list[Any] = []
        self.node.create_subscription(message_type, topic, messages.append, qos)
        return messages

    def call(self, service_type: Any, name: str, request: Any) -> Any:
        """Call a service and return its response."""
        client = self.node.create_client(service_type, name)
        self.wait(client.service_is_ready, f'service {name}')
        future = client.call_async(request)
        self.wait(future.done, f'answer of {name}')
        self.node.destroy_client(client)
        return future.result()

    def header(self, step: int = 100_000_000) -> Header:
        """Return a header ``step`` nanoseconds after the last one."""
        self._clock += step
        stamp = Time(sec=self._clock // 10**9, nanosec=self._clock % 10**9)
        return Header(stamp=stamp, frame_id='front_camera')

    def close(self) -> None:
        """End all processes and leave the domain."""
        for process in self._processes:
            process.send_signal(signal.SIGINT)
        for process in self._processes:
            process.wait(DEADLINE)
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)
        os.close(self._lock)


class Camera:
    """Publishes images of white squares and follows the tracks that come back."""

    def __init__(self, bench: Bench, tracks: list[Any], publisher: Any) -> None:
        self.bench, self.tracks, self.publisher = bench, tracks, publisher

    def send(self, *corners: tuple[int, int], header: Header | None = None,
             mark: int = 0) -> Image:
        """
        Publish one image with a square at each left top corner, and return it.

        :param mark: grey level of the first pixel, which can make the fake model slow or break it.
        """
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        image[0, 0] = mark
        for left, top in corners:
            image[top:top + SQUARE, left:left + SQUARE] = 255
        msg = to_image_message(image, header or self.bench.header())
        self.publisher.publish(msg)
        return msg

    def track(self, *corners: tuple[int, int], header: Header | None = None) -> Any:
        """Publish one image and return the tracks message of the same stamp."""
        sent = self.send(*corners, header=header)
        return self.bench.wait(
            lambda: next((m for m in self.tracks if m.header.stamp == sent.header.stamp), None),
            f'tracks of the image at {sent.header.stamp}')


@pytest.fixture(scope='module')
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Return a bench for the tests of one module."""
    bench = Bench(tmp_path_factory.mktemp('logs'))
    yield bench
    bench.close()


@pytest.fixture
def own_bench(tmp_path: Path) -> Iterator[Bench]:
    """Return a bench for one test."""
    bench = Bench(tmp_path)
    yield bench
    bench.close()


@pytest.fixture(scope='session')
def make_camera() -> Callable[..., Camera]:
    """Return a function that connects a camera to a tracker, once that is subscribed."""
    def connect(bench: Bench, qos: Any = 10, name: str = '') -> Camera:
        prefix = f'{name}/' if name else ''
        tracks = bench.subscribe(Detection2DArray, f'{prefix}tracks')
        publisher = bench.node.create_publisher(Image, f'{prefix}image', qos)
        bench.wait(lambda: publisher.get_subscription_count() == 1, 'subscription of the tracker')
        bench.wait(lambda: bench.node.count_publishers(f'{prefix}tracks'), 'publisher of tracks')
        camera = Camera(bench, tracks, publisher)
        # Until both sides know of each other, images and tracks get lost.
        while not tracks:
            camera.send()
            bench.spin(0.2)
        return camera
    return connect
