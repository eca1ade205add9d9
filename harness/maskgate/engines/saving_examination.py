"""A property about saved models put to one subject."""

from __future__ import annotations

import numpy as np

from maskgate.engines.model_examination import ModelExamination
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Mode, Refusal, Value
from maskgate.verdicts.compare import Judgement, Mismatch
from maskgate.verdicts.model import Identity
from maskgate.verdicts.relations import Identical, Relation


class SavingExamination(ModelExamination):
    """What a property of saved models is given as `subject`.

    A pair's details name the `model`, the `format` and the `work`: `evaluate` or `train`.
    """

    _made = True  # whether there was a copy to ask

    def survives_saving(self, pair: Pair) -> None:
        """The loaded model has the saved one's loss, and after a training step its weights, bit
        for bit."""
        steps = self._compares_steps(pair)
        relation = Identical((pair.case, pair.case), gradient=steps, name="survives-saving")

        def judged(mode: Mode) -> tuple[Judgement, Relation]:
            answers = self._saved_and_loaded(pair, mode)
            for name, answer in zip(("saved", "loaded"), answers, strict=True):
                if isinstance(answer, Refusal):
                    said = f"{answer.kind}: {answer.message}"[:300]
                    wanted = f"a loss of the {name} model"
                    return Judgement(Mismatch("answer", wanted, said, 0.0)), relation
            return relation.judge(answers), relation

        self._applies()
        form = str(pair.details["format"])
        self._in_each_mode(pair, self.modes(pair), judged, own_stage=form)

    def modes(self, pair: Pair) -> tuple[Mode, ...]:
        """Eager where that is offered: each model is traced twice over else."""
        offered = self.description.modes
        return ("eager",) if "eager" in offered else super().modes(pair)[:1]

    def _saved_and_loaded(self, pair: Pair, mode: Mode) -> tuple[Value | Refusal, ...]:
        done = self._perform(
            "saving.round_trip",
            pair.case,
            pair,
            mode,
            format=pair.details["format"],
            work=pair.details["work"],
        )
        self._made = True
        if isinstance(done, Refusal):
            return (done, done)
        self._made = bool(done.data["made"])
        refused = done.data["refused"]
        steps = self._compares_steps(pair)
        return tuple(
            Refusal(*refused[name])
            if name in refused
            else Value(
                np.asarray(done.arrays[name]),
                np.asarray(done.arrays[f"{name}-weights"]) if steps else None,
                "float32",
            )
            for name in ("saved", "loaded")
        )

    def _compares_steps(self, pair: Pair) -> bool:
        """Whether the weights after a step are compared too.

        In Keras before 2.3 they do not repeat: two or three outcomes were seen of one batch, some
        of them far apart. The loss of the step does repeat.
        """
        objectives = self.semantics.family.startswith("objective")
        return pair.details["work"] == "train" and not objectives

    def _identity(self, stage: str, pair: Pair) -> Identity:
        kind = str(pair.details["work"]) if self._made else "not-loaded"
        return Identity(self.property, self.semantics.family, stage, kind)
