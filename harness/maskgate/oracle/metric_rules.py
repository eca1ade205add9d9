"""What the metrics of each release see of a mask and of sample weights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

RANKS_STEPS = (2, 9)
Sees = Literal["never", "beside-weights", "always"]


@dataclass(frozen=True)
class MetricRules:
    """How a stretch of releases computes metrics.

    Attributes:
        means_see: when a wrapped mean (an error, an accuracy) is weighted by the mask.
        others_see: the same of every other metric (`Precision`, `AUC`, `RootMeanSquaredError`).
        as_losses: whether a metric is reduced by the formula of the losses (Keras 2.0 to 2.2).
        guards_empty: whether the mean over a weight of zero is 0, not NaN.
        counts_given: whether the divisor is the sum of the weights as they were given: those of
            samples count once, though they weigh every step.
        samplewise: whether a mean is taken for each sample first.
        direct: whether a metric that is called directly sees the mask as a compiled one does;
            before Keras 3 only a compiled model hands it on.
        ranks_steps: which top-k accuracies take batches of steps: `all`, `none`, or, for
            `unweighted`, the one of class ids where neither mask nor weights come with it.
    """

    means_see: Sees = "always"
    others_see: Sees = "always"
    as_losses: bool = False
    guards_empty: bool = True
    counts_given: bool = False
    samplewise: bool = False
    direct: bool = False
    ranks_steps: Literal["all", "none", "unweighted"] = "all"

    def takes_steps(self, *, sparse: bool, weighted: bool) -> bool:
        """Whether a top-k accuracy, of class ids where `sparse`, takes a batch of steps."""
        if self.ranks_steps == "unweighted":
            return sparse and not weighted
        return self.ranks_steps == "all"

    def sees_mask(self, *, weighted: bool, wrapped: bool) -> bool:
        """Whether the mask is part of a metric's weight."""
        when = self.means_see if wrapped else self.others_see
        return when == "always" or (when == "beside-weights" and weighted)


def metric_rules(distribution: str, version: str) -> MetricRules:
    """The rules of a release of `keras` or `tf_keras`.

    Keras 2.0 to 2.2 reduce metrics as they do losses (2.2.4 `engine/training.py`,
    `weighted_masked_objective`); 2.3 divides by the sum of weights that were not broadcast (2.3.1
    `metrics.py`, `Reduce`); 2.3 to 2.15 make the mask the weight of every metric (2.15
    `engine/compile_utils.py`, `MetricsContainer`); Keras 3 looks at it in `MeanMetricWrapper`
    alone, until 3.12 only where there are weights too. `in_top_k` takes a matrix: 2.0 to 2.8 hand
    it what they are given (2.3.1 and 2.8.0 `metrics.py`, `top_k_categorical_accuracy`), from 2.4 on
    the accuracy of class ids flattens both, and its values no longer fit mask or weights.
    """
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if distribution == "tf_keras" or (2, 4) <= numbers < (3,) or version.endswith("-tf"):
        old = distribution == "keras" and numbers < RANKS_STEPS
        return MetricRules(ranks_steps="unweighted" if old else "all")
    if numbers < (2, 3):
        return MetricRules(as_losses=True, ranks_steps="none")
    if numbers < (3,):
        return MetricRules(guards_empty=False, counts_given=True, ranks_steps="none")
    means: Sees = "always" if numbers >= (3, 12) else "beside-weights"
    return MetricRules(means_see=means, others_see="never", samplewise=True, direct=True)
