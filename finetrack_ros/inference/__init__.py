# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Inference: engines behind one interface, and the runner that feeds them."""

from finetrack_ros.inference.loading import load_model, shipped_models
from finetrack_ros.inference.registry import engine_names, EngineOptions, EngineSpec
from finetrack_ros.inference.runner import FineTrackRunner, ModelInfo

__all__ = ['EngineOptions', 'EngineSpec', 'FineTrackRunner', 'ModelInfo', 'engine_names',
           'load_model', 'shipped_models']
