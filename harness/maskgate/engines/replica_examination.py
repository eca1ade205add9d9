"""A property about a training step that several replicas share, put to one subject."""

from __future__ import annotations

import json
from typing import Any, cast

import numpy as np

from maskgate.engines.model_examination import PATIENCE
from maskgate.engines.step_examination import WHOLE, StepExamination
from maskgate.oracle import Ball, Expected, Refused
from maskgate.oracle.epochs import batches_of, epoch_loss
from maskgate.strategies import NotTaken
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Crash, DividedSubject, Done, Mode, Refusal, Task, Value
from maskgate.verdicts.compare import Judgement, SubjectCrashed, judge
from maskgate.verdicts.model import Identity
from maskgate.verdicts.relations import Relation
from maskgate.verdicts.trained import Trained

REPLICAS = "replicas"
OLDEST = (2, 4)  # before it there were no logical devices, and no strategy for stand-alone Keras


class ReplicaExamination(StepExamination):
    """What a property of replicas is given as `subject`.

    A pair's details name the `model` and the number of `parts`, one a replica. Logical devices are
    made before TensorFlow runs, so that a process of its own answers, started when it is first
    asked and ended by `finish`.
    """

    brief = False
    _divided: DividedSubject | None = None

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        # There are few batches, each of which is asked for more than once.
        self._kept: dict[str, dict[str, Value | Refusal]] = {}

    def shares(self, pair: Pair) -> None:
        """A step that replicas share has the loss of one on all samples, and leaves its weights."""

        def judged(mode: Mode) -> tuple[Judgement, Relation]:
            relation = Trained(pair.case, REPLICAS, WHOLE)
            answers = self._stepped(pair, mode)
            wanted = answers[WHOLE]
            if isinstance(wanted, Refusal):
                return judge(wanted, Expected(Ball(np.zeros(()), np.zeros(())), None)), relation
            radius = np.zeros(())
            for way in (WHOLE, REPLICAS):
                said = self._expected(pair, way)
                if isinstance(said, Expected):
                    radius = radius + said.value.radius
            allowed = Ball(
                wanted.value.astype(np.float64), np.broadcast_to(radius, wanted.value.shape)
            )
            return judge(answers[REPLICAS], Expected(allowed, None)), relation

        self._applies()
        self._in_each_mode(pair, self.modes(pair), judged)

    def modes(self, pair: Pair) -> tuple[Mode, ...]:  # noqa: ARG002
        """`fit` as a graph: replicas run in parallel there alone."""
        return ("graph",)

    def finish(self) -> None:
        """End the process that the property was asked in."""
        if self._divided is not None:
            self._divided.close()
            self._divided = None

    def _applies(self) -> None:
        who = self.description
        if who.distribution == "seed":
            raise NotTaken("the seed's formula is no trainer")
        if self.own is not None:
            raise NotTaken("whole models are asked with the built-in losses")
        if who.backend != "tensorflow":
            raise NotTaken(f"replicas of tf.distribute are asked, not those of {who.backend}")
        if tuple(int(part) for part in who.keras.split(".")[:2]) < OLDEST:
            raise NotTaken("Keras before 2.4 has no replicas of tf.distribute")
        if not hasattr(self._subject, "divided"):
            raise NotTaken("replicas need a worker process of their own")
        if self.brief:
            raise NotTaken("it starts a process of its own: left out of the smoke profile")

    def _expected(self, pair: Pair, way: str) -> Expected | Refused:
        """The mean of the losses of the parts, and the weights after the mean of their
        gradients."""
        weights = super()._expected(pair, way)
        if isinstance(weights, Refused):
            return weights
        parts = batches_of(pair.case, self._size(pair, way))
        losses = []
        for part in parts:
            said = self._of_batch(part)
            if isinstance(said, Refused):
                return said
            losses.append(said.value)
        loss = epoch_loss(losses, [len(part.y_pred) for part in parts], pair.case.format)
        value = np.concatenate([loss.value.reshape(1), weights.value.value])
        return Expected(Ball(value, np.append(loss.radius, weights.value.radius)), None)

    def _size(self, pair: Pair, way: str) -> int:
        size = len(pair.case.y_pred)
        return size if way == WHOLE else size // int(pair.details["parts"])

    def _stepped(self, pair: Pair, mode: Mode) -> dict[str, Value | Refusal]:
        key = json.dumps([pair.case.to_dict(), dict(pair.details)], sort_keys=True)
        if key not in self._kept:
            done = self._perform_divided(pair, mode)
            if isinstance(done, Refusal):
                return {WHOLE: done, REPLICAS: done}
            arrays = done.arrays.items()
            self._kept[key] = {name: Value(each, None, "float32") for name, each in arrays}
        return self._kept[key]

    def _perform_divided(self, pair: Pair, mode: Mode) -> Done | Refusal:
        parts = int(pair.details["parts"])
        if self._divided is None:
            self._divided = cast(Any, self._subject).divided(parts)
        self.tally.asked[mode] += 1
        case = pair.case
        given = {
            "model": pair.details["model"],
            "loss": case.loss.kind.keras_class,
            "loss_parameters": dict(case.loss.parameters),
            "reduction": case.reduction,
            "mode": mode,
            "parts": parts,
        }
        task = Task("replicas.step", given, {"x": case.y_pred, "y_true": case.y_true})
        assert self._divided is not None
        done = self._divided.perform(task, timeout=PATIENCE)
        self.tally.subject_seconds += done.seconds
        if isinstance(done, Crash):
            raise SubjectCrashed(done.reason)
        return done

    def _identity(self, stage: str, pair: Pair) -> Identity:
        kind = "plain"
        if stage == "formula":
            kind = "unmasked" if pair.case.mask is None else "masked"
        return Identity(self.property, self.semantics.family, stage, kind)
