"""A property about metrics put to one subject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from maskgate.case import AnyArray, Case, LossSpec
from maskgate.engines.model_examination import NOT_OFFERED
from maskgate.engines.numbers_examination import Answered, NumbersExamination, Verdict
from maskgate.oracle import Ball, Expected, Refused, expect
from maskgate.oracle.metric_rules import MetricRules, metric_rules
from maskgate.oracle.metrics import MEANS, OTHERS, RANKED, WRAPPED, expect_metric
from maskgate.strategies.models import fed
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Mode, Refusal, Value
from maskgate.verdicts.compare import judge

FRACTIONAL = "iou-fractional-weights"


class MetricExamination(NumbersExamination):
    """What a property of metrics is given as `subject`.

    A pair's `details` say how the metrics are asked: `path`, `direct` or `compiled`, and whether
    they are `weighted`.
    """

    @property
    def rules(self) -> MetricRules:
        """What this release's metrics see of a mask."""
        return metric_rules(self.description.distribution, self.description.keras)

    def some_of(self, corners: Sequence[Pair], number: int) -> Sequence[Pair]:
        """Each that needs no model, beside those that a profile asks."""
        return [each for i, each in enumerate(corners) if i < number or self._directly(each)]

    def modes(self, pair: Pair) -> tuple[Mode, ...]:
        """Eager code where most batches are asked, the trainer's default mode for the others."""
        offered: tuple[Mode, ...] = self.description.modes
        if pair.details["path"] == "direct" and "eager" in offered:
            return ("eager",)
        return super().modes(pair)[:1]

    def _directly(self, pair: Pair) -> bool:
        """Whether a metric is called by itself: before Keras 3 that would see no mask."""
        return pair.details["path"] == "direct" and self.rules.direct

    def metrics_by_formula(self, pair: Pair) -> None:
        """Every metric of the batch is what its definition says, for this release."""

        def told(mode: Mode) -> Iterator[Verdict]:
            names = metrics_for(pair)
            for name, answer in self._metrics(pair.case, pair, names, mode).items():
                lacking = isinstance(answer, Refusal) and answer.kind == NOT_OFFERED
                wanted = _anything() if lacking else self._said(name, pair)
                yield Verdict(name, judge(answer, wanted), "metric", kind_of(name, pair.case))

        self.judged_each(pair, told, relation="metric-equals-expected")

    def metrics_alike(self, pair: Pair) -> None:
        """Every metric is the same for both batches, bit for bit."""
        altered = pair.altered
        assert altered is not None

        def told(mode: Mode) -> Iterator[Verdict]:
            names = metrics_for(pair)
            # What becomes of such weights is for the property `metric-value`.
            names = tuple(n for n in names if kind_of(n, pair.case) != FRACTIONAL)
            one, other = (self._metrics(each, pair, names, mode) for each in (pair.case, altered))
            for name in names:
                first, second = one[name], other[name]
                kind = _kind_of_two(name, pair.case, altered)
                if self._refuses(name, pair):
                    continue  # as `metric-value` says
                if isinstance(first, Refusal):
                    yield Verdict(name, judge(first, _anything()), "metric", kind)
                    continue
                said = judge(second, _exactly(first))
                formula = said.holds or all(
                    judge(answer, self._expected(name, case, pair)).holds
                    for answer, case in ((first, pair.case), (second, altered))
                )
                yield Verdict(name, said, "formula" if formula else "metric", kind)

        self.judged_each(pair, told, relation="metric-identical")

    def metric_is_loss(self, pair: Pair) -> None:
        """The loss that a compiled model reports and its function as a metric are one number."""

        def told(mode: Mode) -> Iterator[Verdict]:
            case = pair.case
            name = next(each for each, loss in MEANS.items() if loss == case.loss.name)
            answers = self._metrics(case, pair, ["loss", name], mode)
            loss, metric = answers["loss"], answers[name]
            if isinstance(loss, Refusal) or isinstance(metric, Refusal):
                refused = loss if isinstance(loss, Refusal) else metric
                yield Verdict(name, judge(refused, _anything()), "metric", "refused")
                return
            bound = self.expect_trained(case, mode, training=False)
            expected = self._expected(name, case, pair)
            radius = _radius(expected) + _radius(bound)
            said = judge(metric, _around(loss, radius))
            formula = judge(loss, bound).holds and judge(metric, expected).holds
            yield Verdict(name, said, "formula" if formula else "metric", _how_weighted(case))

        self.judged_each(pair, told, relation="metric-is-loss")

    def _refuses(self, name: str, pair: Pair) -> bool:
        """Whether an old top-k accuracy takes no batch of steps."""
        weighted = pair.case.mask is not None or bool(pair.details["weighted"])
        taken = self.rules.takes_steps(sparse=name.startswith("Sparse"), weighted=weighted)
        return name in RANKED and not taken

    def _said(self, name: str, pair: Pair) -> Expected | Refused:
        if self._refuses(name, pair):
            return Refused("a batch of steps is no matrix")
        return self._expected(name, pair.case, pair)

    def _expected(self, name: str, case: Case, pair: Pair) -> Expected:
        rules, weighted = self.rules, bool(pair.details["weighted"])
        if not self._directly(pair):
            case = _as_fed(case, pair)
            if self.semantics.loses_mask and self.modes(pair)[0] != "eager":
                case = case.with_(mask=None)
        if not rules.as_losses:
            ball = expect_metric(name, case, self.semantics, rules, weighted=weighted)
            return Expected(ball, None)
        loss = case.with_(loss=LossSpec.of(MEANS[name]), reduction="sum_over_batch_size")
        if not weighted:
            loss = loss.with_(sample_weight=None)
        said = expect(loss, replace(self.semantics, path="compiled"), gradient=False)
        assert isinstance(said, Expected)
        return said

    def _metrics(self, case: Case, pair: Pair, names: Sequence[str], mode: Mode) -> Answered:
        weighted = bool(pair.details["weighted"])
        if self._directly(pair):
            arrays = {
                "y_true": case.y_true,
                "y_pred": case.y_pred,
                "mask": case.mask,
                "sample_weight": case.sample_weight if weighted else None,
            }
            return self.numbers("metrics.direct", names, {"metrics": list(names)}, arrays, mode)
        # Models are kept: one for all metrics that a kind of batch is asked of.
        given = {
            "model": model_for(pair),
            "loss": case.loss.kind.keras_class,
            "loss_parameters": dict(case.loss.parameters),
            "reduction": case.reduction,
            "mode": mode,
            "metrics": list(pair.details["together"]),
            "weighted": weighted,
        }
        arrays = {
            "x": _as_fed(case, pair).y_pred,
            "y_true": case.y_true,
            "sample_weight": case.sample_weight,
        }
        return self.numbers("metrics.compiled", names, given, arrays, mode)


def metrics_for(pair: Pair) -> tuple[str, ...]:
    """The metrics that a batch is fit for: one loss's own, or those that count."""
    only = pair.details.get("only")
    return tuple(pair.details["metrics"]) if only is None else (str(only),)


def model_for(pair: Pair) -> str:
    """The model that hands a batch on as it is: predictions that are no numbers need their mask
    beside them."""
    if pair.altered is not None and not np.isfinite(pair.altered.y_pred).all():
        return "beside"
    return "identity" if pair.case.mask is None else "masking"


def _as_fed(case: Case, pair: Pair) -> Case:
    """The batch that a model hands on and the mask that it makes of it."""
    if model_for(pair) != "beside":
        return fed(case)
    made = fed(pair.case)  # what is padding there is so in the other batch
    valid = np.asarray(made.mask)[..., None]
    odd = case.y_pred[~np.isfinite(case.y_pred)]
    x = np.where(valid, case.y_pred, odd[0] if odd.size else 0.0)
    return case.with_(y_pred=x.astype(np.float32), mask=made.mask)


def kind_of(name: str, case: Case) -> str:
    """The kind of a metric, as far as it decides what it makes of mask and weights."""
    assert name in WRAPPED or name in OTHERS
    weight = case.sample_weight
    if name == "BinaryIoU" and weight is not None and np.any(weight % 1.0):
        return FRACTIONAL
    return "mean-metric" if name in WRAPPED else "other-metric"


def _kind_of_two(name: str, case: Case, altered: Case) -> str:
    if not np.isfinite(altered.y_pred).all():
        return kind_of(name, case) + "-nonfinite-prediction"
    if not _finite(altered):
        return kind_of(name, case) + "-nonfinite"
    if name in ("Hinge", "SquaredHinge") and _converted(case) != _converted(altered):
        return "label-conversion"
    return kind_of(name, case)


def _converted(case: Case) -> bool:
    """Whether Keras's hinges take these labels for 0/1 and convert them to -1/1."""
    return bool(np.isin(case.y_true, (0, 1)).all())


def _how_weighted(case: Case) -> str:
    mask = "masked" if case.mask is not None else "unmasked"
    if case.mask is not None and not np.any(case.mask):
        mask = "all-masked"
    weight = "" if case.sample_weight is None else f"-weight-rank-{case.sample_weight.ndim}"
    return mask + weight


def _finite(case: Case) -> bool:
    return bool(np.isfinite(case.y_true).all() and np.isfinite(case.y_pred).all())


def _exactly(answer: Value) -> Expected:
    return Expected(Ball(answer.value.astype(np.float64), np.zeros(answer.value.shape)), None)


def _around(answer: Value, radius: AnyArray) -> Expected:
    return Expected(Ball(answer.value.astype(np.float64), radius), None)


def _anything() -> Expected:
    return Expected(Ball(np.zeros(()), np.full((), np.inf)), None)


def _radius(expected: Any) -> AnyArray:
    if not isinstance(expected, Expected):
        return np.zeros(())
    return np.nan_to_num(expected.value.radius, nan=0.0, posinf=np.inf)
