# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Errors that a user can act on: each message names the input, the problem and the remedy."""


class FinetrackError(Exception):
    """Base of all errors that are shown to the user as one message, without a traceback."""


class ModelError(FinetrackError):
    """A model folder or file is missing, damaged, or of another architecture."""


class SourceError(FinetrackError):
    """A video, folder, camera, or annotation file cannot be read."""


class InputError(FinetrackError, ValueError):
    """A caller of the library passes what the called function does not take."""


class ConfigError(FinetrackError):
    """A setting is unknown or out of range."""
