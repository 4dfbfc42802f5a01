# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Entry point for tools that call setup.py; everything stands in pyproject.toml."""

from setuptools import setup

setup()
