"""A property about the weights that training steps leave, put to one subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from maskgate.case import Case
from maskgate.engines.model_examination import ModelExamination
from maskgate.oracle import Ball, Expected, Refused
from maskgate.oracle.epochs import batches_of
from maskgate.oracle.steps import stepped, weight_gradient
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Mode, Refusal, Value
from maskgate.subjects.worker.tasks.models import RATE
from maskgate.verdicts.compare import Judgement, judge
from maskgate.verdicts.model import Identity
from maskgate.verdicts.relations import Relation
from maskgate.verdicts.trained import Stepped, Trained

WHOLE, ACCUMULATED = "whole", "accumulated"


class StepExamination(ModelExamination):
    """What a property of training steps is given as `subject`.

    A pair's details name the `model`, and the number of equal `parts` where a step is divided.
    """

    def accumulates(self, pair: Pair) -> None:
        """Gradients accumulated over the parts leave the weights of one step on all samples."""

        def judged(mode: Mode) -> tuple[Judgement, Relation]:
            relation = Trained(pair.case, ACCUMULATED, WHOLE)
            answers = self._stepped(pair, mode)
            wanted = answers[WHOLE]
            if isinstance(wanted, Refusal):
                return judge(wanted, Expected(Ball(np.zeros(()), np.zeros(())), None)), relation
            radius = np.zeros(())
            for way in (WHOLE, ACCUMULATED):
                said = self._expected(pair, way)
                if isinstance(said, Expected):
                    radius = radius + said.value.radius
            allowed = Ball(
                wanted.value.astype(np.float64), np.broadcast_to(radius, wanted.value.shape)
            )
            return judge(answers[ACCUMULATED], Expected(allowed, None)), relation

        self._applies()
        self._in_each_mode(pair, self.modes(pair), judged)

    def steps_by_formula(self, pair: Pair) -> None:
        """One step leaves the weights that the gradient of the family's loss makes of them."""
        relation = Stepped(pair.case)

        def judged(mode: Mode) -> tuple[Judgement, Relation]:
            done = self._perform("training.step", pair.case, pair, mode)
            if isinstance(done, Refusal):
                return judge(done, self._after([pair.case])), relation
            after = Value(done.arrays["weights"], None, "float32")
            said = judge(after, self._after([pair.case]))
            if said.mismatch is not None and said.mismatch.part == "value":
                said = Judgement(replace(said.mismatch, part="weights"))
            return said, relation

        self._applies()
        # In the trainer's own mode: its eager one is asked for accumulated steps.
        self._in_each_mode(pair, ModelExamination.modes(self, pair), judged, own_stage="trainer")

    def modes(self, pair: Pair) -> tuple[Mode, ...]:
        """Eager where that is offered: the two ways are traced one by one else."""
        offered = self.description.modes
        return ("eager",) if "eager" in offered else super().modes(pair)[:1]

    def _expected(self, pair: Pair, way: str) -> Expected | Refused:
        """The weights after the step, against the mean of its parts' gradients."""
        parts = 1 if way == WHOLE else int(pair.details["parts"])
        return self._after(batches_of(pair.case, len(pair.case.y_pred) // parts))

    def _after(self, parts: Sequence[Case]) -> Expected | Refused:
        """The weights after a step against the mean of the gradients of some batches."""
        gradients = []
        for part in parts:
            said = self._of_batch(part)
            if isinstance(said, Refused):
                return said
            assert said.gradient is not None
            gradients.append(weight_gradient(part, said.gradient))
        unit = parts[0].format.unit_roundoff
        features = parts[0].y_pred.shape[-1]
        return Expected(stepped(gradients, RATE, features, unit), None)

    def _of_batch(self, case: Case) -> Expected | Refused:
        compiled = replace(self.semantics, path="compiled")
        return self.expect(case, gradient=True, semantics=compiled, traced=True)

    def _stepped(self, pair: Pair, mode: Mode) -> dict[str, Value | Refusal]:
        parts = int(pair.details["parts"])
        done = self._perform("accumulation.step", pair.case, pair, mode, parts=parts)
        if isinstance(done, Refusal):
            return {WHOLE: done, ACCUMULATED: done}
        return {name: Value(array, None, "float32") for name, array in done.arrays.items()}

    def _stage(self, pair: Pair, mode: Mode, relation: Relation, *, refused: bool) -> str:  # noqa: ARG002
        """`formula` where both ways do what their formula says, else the way that does not."""
        answers = self._stepped(pair, mode)
        for way, answer in answers.items():
            if not judge(answer, self._expected(pair, way)).holds:
                return way
        return "formula"

    def _identity(self, stage: str, pair: Pair) -> Identity:
        kind = "unmasked" if pair.case.mask is None else "masked"
        return Identity(self.property, self.semantics.family, stage, kind)
