# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a cue is worth in this scene: how likely its value is of one person, and of two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
        self._limit = np.float32(limit)
        # Count, sum and sum of squares of each kind; plain numbers are faster than small arrays.
        self._prior = [(PRIOR, PRIOR * mean, PRIOR * (mean ** 2 + prior.deviation ** 2))
                       for mean in (prior.same, prior.different)]
        self._sums = [(0.0, 0.0, 0.0)] * 2

    def learn(self, same: Floats, different: Floats) -> None:
        """Take in values of pairs of one person [S], and of pairs of two [D]."""
        for kind, values in enumerate((same, different)):
            if len(values):
                count, total, squares = self._sums[kind]
                count += len(values)
                fade = min(1.0, WINDOW / count)
                self._sums[kind] = (
                    fade * count, fade * (total + float(values.sum())),
                    fade * (squares + float(values @ values)))

    @property
    def distributions(self) -> Distributions:
        """Return what is known by now."""
        means, variance = [], 0.0
        for assumed, seen in zip(self._prior, self._sums, strict=True):
            count, total, squares = (a + b for a, b in zip(assumed, seen, strict=True))
            means.append(total / count)
            variance += (squares / count - means[-1] ** 2) / 2
        return Distributions(means[0], means[1], max(variance, LEAST_DEVIATION ** 2) ** 0.5)

    def ratio(self, values: Floats) -> Floats:
        """Return log p(value | one person) - log p(value | two), in nats, float32 like values."""
        known = self.distributions
        slope = max(known.same - known.different, 0.0) / known.deviation ** 2
        ratio: Floats = values - np.float32((known.same + known.different) / 2)
        ratio *= np.float32(slope)
        np.minimum(ratio, self._limit, out=ratio)
        return np.maximum(ratio, -self._limit, out=ratio)
