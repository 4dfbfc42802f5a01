# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Losses of learning from networks that know more: re-identification teachers, an older detector.

Mimicry: Romero et al., "FitNets", arXiv 1412.6550. Relations: Park et al., "Relational Knowledge
Distillation", arXiv 1904.05068. Rankings: Passalis and Tefas, "Probabilistic Knowledge Transfer",
arXiv 1803.10837.
"""

from __future__ import annotations

import torch
from torch import nn, Tensor
import torch.nn.functional as F  # noqa: N812

# How sharply the ranking loss looks at the most alike: cosines this far apart differ by e.
TEMPERATURE = 0.1


class Mimic(nn.Module):
    """
    A linear map from our embedding to the teachers', used in training only.

    :param dim: width of our embedding; teacher_dim: of the teachers' vectors.
    """

    def __init__(self, dim: int, teacher_dim: int) -> None:
        super().__init__()
        self.map = nn.Linear(dim, teacher_dim, bias=False)

    def forward(self, joint: Tensor, teacher: Tensor) -> Tensor:
        """
        Compare embeddings [N, D] with the teachers' unit vectors [N, Dt].

        :return: scalar, mean of 1 - cosine; 0 for N = 0.
        """
        if not len(joint):
            return self.map(joint).sum()
        return (1 - F.cosine_similarity(self.map(joint), teacher, dim=1)).mean()


def relation(joint: Tensor, teacher: Tensor) -> Tensor:
    """
    Compare the similarities between people with the teachers'.

    :param joint: our embeddings, unit rows [N, D]; teacher: unit rows [N, Dt].
    :return: scalar, mean squared difference of cosines over all pairs of different rows.
    """
    if len(joint) < 2:
        return joint[:0].sum()
    difference = (joint @ joint.T - teacher @ teacher.T) ** 2
    count = len(joint)
    return (difference.sum() - difference.diagonal().sum()) / (count * (count - 1))


def ranking(joint: Tensor, teacher: Tensor) -> Tensor:
    """
    Compare whom each person is most like with whom the teachers find most like.

    :param joint: our embeddings, unit rows [N, D]; teacher: unit rows [N, Dt].
    :return: scalar, mean divergence of the softmax over the similarities to the others; 0 for
        fewer than three people, where there is no order.
    """
    if len(joint) < 3:
        return joint[:0].sum()
    itself = torch.eye(len(joint), dtype=torch.bool, device=joint.device)
    ours, theirs = (((vectors @ vectors.T) / TEMPERATURE).masked_fill(itself, -1e4)
                    for vectors in (joint, teacher))
    return F.kl_div(F.log_softmax(ours, dim=1), F.softmax(theirs, dim=1), reduction='batchmean')


def hold(raw: Tensor, before: Tensor, free: Tensor) -> Tensor:
    """
    Compare a detector's scores with those of the one that it began from.

    :param raw: logits [B, A, 5 + classes] of the detector in training.
    :param before: logits of the older one for the same images and classes.
    :param free: bool [B, A], cells that the labels say enough of, which may change.
    :return: scalar, binary cross-entropy of objectness x class, less its least value, summed over
        the other cells and divided by the number of the older detector's finds among them.
    """
    ours, theirs = _score(raw), _score(before)
    # Written out: torch refuses binary_cross_entropy of probabilities in mixed precision on GPUs.
    loss = (theirs * (theirs.log() - ours.log())
            + (1 - theirs) * ((1 - theirs).log() - (1 - ours).log()))
    counted = ~free[..., None]
    finds = (theirs * counted).sum().clamp(min=1.0)
    return (loss * counted).sum() / finds


def _score(raw: Tensor) -> Tensor:
    score = raw[..., 4:5].float().sigmoid() * raw[..., 5:].float().sigmoid()
    return score.clamp(1e-6, 1 - 1e-6)
