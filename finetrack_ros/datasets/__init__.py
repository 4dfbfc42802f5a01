# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Annotated images and identity crops, read in place from the layouts in which they are published.

A data set of annotated images is read by the name of its format, which the module of that name
registers; a new format is one new module here, and nothing else changes.
"""

from finetrack_ros.datasets.annotations import AnnotatedFrame, Clip
from finetrack_ros.datasets.market1501 import CropSample, Market1501
from finetrack_ros.datasets.registry import formats, read_clips, reader

__all__ = ['AnnotatedFrame', 'Clip', 'CropSample', 'Market1501', 'formats', 'read_clips', 'reader']
