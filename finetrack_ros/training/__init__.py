# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training of detector and embedding: data, losses, Lightning module. Needs torch."""
