# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The model that a training starts from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.models import FineTrack, FineTrackConfig, YOLOX
from finetrack_ros.models.checkpoint import (
    load_checkpoint,
    load_yolox_onnx,
    load_yolox_state,
    take_detector,
)
from finetrack_ros.training.recipe import build, locate, Recipe

COCO_CLASSES = 80
COCO_PERSON = 0


def initial_model(recipe: Recipe, root: Path) -> FineTrack:
    """
    Build the model that a recipe starts from.

    An 80-class YOLOX, as exported ONNX or as Megvii's state dict (.pth), becomes a detector of
    people; a FineTrack checkpoint (.pt) stays what it is, but for fields that the recipe's
    ``model`` changes: its embedder then starts anew. With ``embedder``, the embedder is that of
    another checkpoint.

    :param root: folder that the weights' path is relative to.
    :raises ModelError: where the weights are missing, damaged or of another size.
    :raises ConfigError: where the recipe's ``model`` has unknown fields.
    """
    model = _from_weights(recipe, root)
    if recipe.embedder:
        _take_embedder(model, locate(root, recipe.embedder))
    return model


def _from_weights(recipe: Recipe, root: Path) -> FineTrack:
    weights = locate(root, recipe.weights)
    if not weights.is_file():
        raise ModelError(f'{weights}: no such file; pass YOLOX weights (.onnx, .pth) '
                         'or a FineTrack checkpoint (.pt)')
    changes = build_config(recipe)
    if weights.suffix == '.pt':
        model = load_checkpoint(weights)
        if not recipe.model:
            return model
        wanted = replace(model.config, **{key: getattr(changes, key) for key in recipe.model})
        return model if wanted == model.config else _with_embedder(model, wanted)
    coco = YOLOX(changes.size, COCO_CLASSES)
    load = load_yolox_onnx if weights.suffix == '.onnx' else load_yolox_state
    load(coco, weights)
    model = FineTrack(changes)
    take_detector(model, coco, [COCO_PERSON])
    return model


def build_config(recipe: Recipe) -> FineTrackConfig:
    """Return the architecture that the recipe's ``model`` names, with defaults for the rest."""
    return build(FineTrackConfig, recipe.model, f'{recipe.name}: model')


def _with_embedder(model: FineTrack, config: FineTrackConfig) -> FineTrack:
    if (config.size, config.class_names) != (model.config.size, model.config.class_names):
        raise ConfigError('model: size and class_names are those of the weights; leave them out')
    changed = FineTrack(config)
    changed.detector.load_state_dict(model.detector.state_dict())
    return changed


def _take_embedder(model: FineTrack, path: Path) -> None:
    try:
        model.embedder.load_state_dict(load_checkpoint(path).embedder.state_dict())
    except RuntimeError as error:
        raise ModelError(f'{path}: its embedder does not fit ({error}); give a checkpoint of the '
                         "same architecture as the recipe's model") from error
