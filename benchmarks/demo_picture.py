# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Draw the animated picture of the README: a part of the demo clip with boxes, ids and trails.

    python benchmarks/demo_picture.py "$(tools/fetch_clip.sh)" --output docs/figures/demo.webp
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
from PIL import Image

from finetrack_ros.inference import load_model
from finetrack_ros.io import draw_tracks, open_source, Trails
from finetrack_ros.pipeline import Pipeline


def draw(clip: Path, model: str, first: int, last: int, width: int
         ) -> tuple[list[Image.Image], int]:
    """
    Track a clip up to a frame and draw the last part of it.

    :param first: number of the first frame that is drawn, from 1; ``last`` of the last one.
    :param width: of the pictures in pixels; the height follows.
    :return: the pictures, and the milliseconds that each is shown.
    """
    pipeline, trails, pictures = Pipeline(load_model(model)), Trails(30), []
    with open_source(str(clip)) as frames:
        for frame in frames:
            tracks = pipeline.step(frame.image, frame.stamp)
            drawn = draw_tracks(frame.image, tracks, trails)
            if frame.index >= first:
                height = round(width * drawn.shape[0] / drawn.shape[1])
                small = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA)
                pictures.append(Image.fromarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB)))
            if frame.index >= last:
                break
        return pictures, round(1000 / frames.fps)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.strip().partition('\n')[0])
    parser.add_argument('clip', type=Path)
    parser.add_argument('--model', default='finetrack_nano')
    parser.add_argument('--first', type=int, default=300, help='first frame shown')
    parser.add_argument('--last', type=int, default=379, help='last frame shown')
    parser.add_argument('--width', type=int, default=480)
    parser.add_argument('--quality', type=int, default=45, help='of WebP, 0 to 100')
    parser.add_argument('--output', type=Path, default=Path('docs/figures/demo.webp'))
    arguments = parser.parse_args()
    pictures, duration = draw(
        arguments.clip, arguments.model, arguments.first, arguments.last, arguments.width)
    pictures[0].save(arguments.output, save_all=True, append_images=pictures[1:],
                     duration=duration, loop=0, quality=arguments.quality, method=6)
    print(f'{arguments.output}: {len(pictures)} frames, '
          f'{arguments.output.stat().st_size / 1e6:.2f} MB')


if __name__ == '__main__':
    main()
