# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small model with every part at work, and its exported graphs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# Imported by the fixtures: without torch each test module skips itself, which a conftest cannot.
if TYPE_CHECKING:
    from finetrack_ros.models import FineTrack


@pytest.fixture(scope='session')
def model() -> FineTrack:
    """Return an untrained model whose flows are not zero and whose norms are not the identity."""
    import torch

    from finetrack_ros.models import FineTrack
    from finetrack_ros.models.fafpn import FlowAlign

    generator = torch.Generator().manual_seed(7)
    torch.manual_seed(7)
    finetrack = FineTrack().eval()
    with torch.no_grad():
        for module in finetrack.modules():
            if isinstance(module, FlowAlign):
                module.flow.weight.normal_(std=0.02, generator=generator)
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.running_mean.normal_(std=0.1, generator=generator)
                module.running_var.uniform_(0.5, 1.5, generator=generator)
    return finetrack


@pytest.fixture(scope='session')
def half(model: FineTrack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of graphs exported in half precision, as TensorRT takes them."""
    from finetrack_ros.models.export import export_onnx

    folder = tmp_path_factory.mktemp('half')
    export_onnx(model, folder, form='grid_sample', name='untrained', precision='fp16')
    return folder


@pytest.fixture(scope='session', params=['gather', 'grid_sample'])
def exported(model: FineTrack, request: pytest.FixtureRequest,
             tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Return a sampling form and the folder of the graphs exported in it."""
    from finetrack_ros.models.export import export_onnx

    folder = tmp_path_factory.mktemp(request.param)
    export_onnx(model, folder, form=request.param, name='untrained')
    return request.param, folder
