"""A property about models with several outputs put to one subject."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from maskgate.case import Case
from maskgate.engines.numbers_examination import NumbersExamination, Verdict
from maskgate.oracle import Ball, Expected
from maskgate.oracle.arithmetic import arithmetic
from maskgate.oracle.rounding import Rounded, held
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Mode
from maskgate.subjects.worker.tasks.outputs import PENALTY
from maskgate.verdicts.compare import judge

# What the script of a finding compares.
OF_OUTPUTS = "outputs-equal-expected"


class OutputExamination(NumbersExamination):
    """What a property of models with two outputs is given as `subject`."""

    def modes(self, pair: Pair) -> tuple[Mode, ...]:
        """Eager code, where there is any; the trainer's default mode for the plainest model."""
        offered: tuple[Mode, ...] = self.description.modes
        plain = pair.details["loss_weights"] is None and not pair.details["extra"]
        return ("eager",) if "eager" in offered and not plain else super().modes(pair)[:1]

    def masks_each_output(self, pair: Pair) -> None:
        """The whole loss is what each output's own mask makes of it, and what is added, unscaled.

        In symbols: `w_1 L(left) + w_2 L(right) + added`.
        """

        def told(mode: Mode) -> Iterator[Verdict]:
            left, right = pair.case, pair.altered
            assert right is not None
            loss_weights, extra = pair.details["loss_weights"], str(pair.details["extra"])
            given = {
                "loss": left.loss.kind.keras_class,
                "loss_parameters": dict(left.loss.parameters),
                "reduction": left.reduction,
                "mode": mode,
                "loss_weights": loss_weights,
                "extra": extra,
            }
            arrays = {
                "left_x": left.y_pred,
                "left_y": left.y_true,
                "right_x": right.y_pred,
                "right_y": right.y_true,
            }
            (answer,) = self.numbers("outputs.loss", ["whole"], given, arrays, mode).values()
            kind = extra or ("plain" if loss_weights is None else "loss-weights")
            wanted = self._whole((left, right), loss_weights or [1.0, 1.0], extra, mode)
            yield Verdict("whole", judge(answer, wanted), "trainer", kind)

        self.judged_each(pair, told, relation=OF_OUTPUTS)

    def _whole(
        self, cases: tuple[Case, Case], weights: list[float], extra: str, mode: Mode
    ) -> Expected:
        model = arithmetic("float32")
        total = held(np.zeros((), np.float32), model)
        for case, weight in zip(cases, weights, strict=True):
            said = self.expect_trained(case, mode, training=False)
            assert isinstance(said, Expected)
            part = Rounded(said.value.value, said.value.radius, model)
            total = total + part * weight
        total = total + _added(cases[0], extra)
        # A tracker multiplies by the batch size, and divides by it again.
        size = float(len(cases[0].y_pred))
        total = total * size / size
        return Expected(Ball(total.value, np.broadcast_to(total.error, ()).copy()), None)


def _added(case: Case, extra: str) -> Rounded:
    """What a model adds to its loss: squares of its kernel, or of what a layer is given."""
    model = arithmetic("float32")
    values = {
        "": np.zeros(1, np.float32),
        "regulariser": np.eye(case.y_pred.shape[-1], dtype=np.float32),
        "add_loss": np.asarray(case.y_pred),
    }[extra]
    squares = held(values, model) * held(values, model)
    return squares.sum() * PENALTY
