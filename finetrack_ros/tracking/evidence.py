# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a cue is worth in this scene: how likely its value is of one person, and of two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.tracking.association import Floats

PRIOR = 10.0
"""Weight of what is assumed before anything is seen, in values of each kind."""
WINDOW = 1000.0
"""Number of values of each kind over which the distributions are taken; older ones fade."""
LEAST_DEVIATION = 0.05
"""Narrower distributions are not believed."""


@dataclass(frozen=True)
class Distributions:
    """
    Two normal distributions of a cue.

    :ivar same: mean over pairs of one person.
    :ivar different: mean over pairs of two.
    :ivar deviation: standard deviation of both.
    """

    same: float
    different: float
    deviation: float


class Evidence:
    """
    Log-likelihood ratio of a cue, learned from pairs that are certain without it.

    Both kinds of pairs are taken as normal with one variance, the mean of the two measured ones
    (linear discriminant analysis, Fisher 1936): the ratio then never falls as the cue rises, few
    values suffice, and a cue that does not tell people apart has a ratio of 0.

    :param prior: what is assumed at first.
    :param limit: largest absolute ratio: tails of distributions promise more than was ever seen.
    """

    def __init__(self, prior: Distributions, limit: float) -> None:
        self._limit = limit
        means = np.array([prior.same, prior.different])
        self._prior = PRIOR * np.stack(
            [np.ones(2), means, means ** 2 + prior.deviation ** 2])
        self._sums = np.zeros((3, 2))

    def learn(self, same: Floats, different: Floats) -> None:
        """Take in values of pairs of one person [S], and of pairs of two [D]."""
        for kind, values in enumerate((same, different)):
            sums = self._sums[:, kind]
            sums += len(values), values.sum(), values @ values
            if sums[0] > WINDOW:
                sums *= WINDOW / sums[0]

    @property
    def distributions(self) -> Distributions:
        """Return what is known by now."""
        count, total, squares = self._prior + self._sums
        means = total / count
        variance = float((squares / count - means ** 2).mean())
        return Distributions(
            float(means[0]), float(means[1]), max(variance ** 0.5, LEAST_DEVIATION))

    def ratio(self, values: Floats) -> Floats:
        """Return log p(value | one person) - log p(value | two), in nats, float32 like values."""
        known = self.distributions
        slope = max(known.same - known.different, 0.0) / known.deviation ** 2
        middle = (known.same + known.different) / 2
        ratio: NDArray[np.float32] = np.float32(slope) * (values - np.float32(middle))
        return np.clip(ratio, -self._limit, self._limit)
