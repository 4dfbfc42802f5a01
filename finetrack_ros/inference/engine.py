# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one interface behind which every inference library stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

# Under this key an exported graph's metadata holds the JSON text.
METADATA_KEY = 'finetrack'


@dataclass(frozen=True)
class DetectorOutput:
    """
    What the detector graph gives for a batch of B images with A candidate boxes each.

    :ivar boxes: float32 [B, A, 4] xyxy in pixels of the network's input.
    :ivar scores: float32 [B, A].
    :ivar classes: int32 [B, A].
    :ivar features: handle of the feature map [B, C, H/8, W/8]; it stays on the engine's device
        and only ``Engine.embed`` of the same engine can read it.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int32]
    features: Any


class Engine(Protocol):
    """
    Runs the two graphs of a FineTrack model on one device.

    :ivar name: the library, such as ``onnxruntime``.
    :ivar device: what it runs on, such as ``cpu`` or ``cuda:0``.
    :ivar metadata: what detector and embedder say of themselves (JSON); None in a foreign graph.
    """

    name: str
    device: str
    metadata: tuple[str | None, str | None]

    def detect(self, images: NDArray[np.uint8]) -> DetectorOutput:
        """Run the detector on letterboxed BGR images, uint8 [B, H, W, 3]."""

    def embed(self, features: Any, rois: NDArray[np.float32], crops: NDArray[np.uint8]
              ) -> NDArray[np.float32]:
        """
        Run the embedder.

        :param features: of the ``detect`` call on the images that the regions lie in.
        :param rois: float32 [N, 5], image index and box xyxy in input pixels.
        :param crops: uint8 [N, rows, columns, 3], the regions' pixels, BGR.
        :return: float32 [N, D], rows of unit length.
        """
