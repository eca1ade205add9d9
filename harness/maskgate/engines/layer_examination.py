"""A property of the masked calls of a recurrent layer or a wrapper put to one subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np

from maskgate.case import AnyArray
from maskgate.case.layers import LayerCase
from maskgate.engines.model_examination import PATIENCE
from maskgate.engines.numbers_examination import NumbersExamination, Verdict
from maskgate.oracle import Ball, Expected
from maskgate.oracle.recurrent_calls import THEN, held_over, layer_calls
from maskgate.strategies.pairs import Pair
from maskgate.strategies.recurrent_calls import (
    KINDS,
    PLAIN,
    RECURRENT,
    LayerKind,
    compacted,
    kept,
    layer_case,
)
from maskgate.subjects.protocol import Crash, Done, Mode, ModelSubject, Refusal, Task, Value
from maskgate.verdicts.compare import Judgement, Mismatch, SubjectCrashed, judge, larger
from maskgate.verdicts.model import Finding, Identity
from maskgate.verdicts.model import Verdict as FindingVerdict

# What the script of a finding compares.
OF_CALL = "layer-call"
ROW_ALONE = "row-alone"


class LayerExamination(NumbersExamination):
    """What a property of recurrent layers is given as `subject`.

    A pair's case holds the batch as predictions and its mask; the details hold `flags`, arguments
    of the layers, and `seed`, of which the weights are drawn.
    """

    def runs_forward(self, pair: Pair) -> None:
        """Output and last states are what the definition gives, inside the derived bound."""

        def told(mode: Mode) -> Iterator[Verdict]:
            for name in self._asked(pair, KINDS):
                case = self._case(pair, name)
                found, balls = self._forward(case, pair, mode), layer_calls(case)
                held = THEN + "output"
                if held in balls:
                    # By itself: an output may be lost where the state is kept.
                    place, ball = held_over(case), balls[held]
                    balls[held] = _but_at(place, ball)
                    said = _judged(found, {held: _but_at(~place, ball)})
                    yield Verdict(
                        name, said, "held-output", "stateful", {"call": case.to_dict()}, OF_CALL
                    )
                yield self._verdict(name, case, pair, _judged(found, balls), OF_CALL)

        self.judged_each(pair, told)

    def cuts_out_masked_steps(self, pair: Pair) -> None:
        """A row's last states are those of the row with its masked steps cut out, and so are its
        outputs at valid steps; a stateful layer's in two calls are those of one."""

        def told(mode: Mode) -> Iterator[Verdict]:
            for name in self._asked(pair, RECURRENT):
                case = replace(self._case(pair, name), reset=False)
                yield self._compacted(name, case, pair, mode)

        self.judged_each(pair, told)

    def _asked(self, pair: Pair, kinds: Mapping[str, LayerKind]) -> list[str]:
        """The layers to ask: the one of a replayed deviation, or the plain ones and one of the
        others by turns; one by turns where each call builds a graph."""
        if "only" in pair.details:
            return [pair.details["only"]]
        names = list(kinds)
        if self._traced(pair):
            return names
        turn = int(pair.details["seed"])
        if "eager" not in self.description.modes:
            return [names[turn % len(names)]]
        others = [each for each in names if each not in PLAIN]
        return [*PLAIN, others[turn % len(others)]]

    @property
    def _release(self) -> tuple[int, ...]:
        return tuple(int(number) for number in self.description.keras.split(".")[:2])

    def _case(self, pair: Pair, name: str) -> LayerCase:
        # Keras knows `zero_output_for_mask` from 2.4 on.
        old = self.description.distribution == "keras" and self._release < (2, 4)
        return layer_case(pair, name, zeroes=not old)

    def modes(self, pair: Pair) -> tuple[Mode, ...]:
        """Layers are called as they are: eagerly, where there is such a thing, or traced."""
        return ("graph",) if self._traced(pair) else self.description.modes[:1]

    def _traced(self, pair: Pair) -> bool:
        """Whether a call is traced without its numbers of samples and steps: TensorFlow can."""
        offered = self.description.modes
        able = self.description.backend == "tensorflow" and {"eager", "graph"} <= set(offered)
        return able and bool(pair.details.get("traced"))

    def _finding(
        self,
        verdict: FindingVerdict,
        identity: Identity,
        pair: Pair,
        mode: Mode,
        mismatch: Mismatch,
        recipe: dict[str, Any],
    ) -> Finding:
        finding = super()._finding(verdict, identity, pair, mode, mismatch, recipe)
        call, start = pair.details.get("call"), f"{self.property}: "
        if call is None or not finding.title.startswith(start):
            return finding
        said = finding.title.removeprefix(start)
        return replace(finding, title=f"{start}{call['layer']}: {said}")

    def _compacted(self, name: str, case: LayerCase, pair: Pair, mode: Mode) -> Verdict:
        whole = self._forward(case, pair, mode)
        if isinstance(whole, Refusal):
            return self._verdict(name, case, pair, _refused(whole), OF_CALL)
        used: float | None = None
        for row, valid in enumerate(case.valid):
            if not valid.any():
                continue
            short = compacted(case, row)
            alone, bounds = self._forward(short, pair, mode), layer_calls(short)
            if isinstance(alone, Refusal):
                verdict = self._verdict(name, case, pair, _refused(alone), OF_CALL)
                return replace(verdict, shown={"call": short.to_dict()})
            for part, ball in bounds.items():
                found = _of_row(whole, case, row, part)
                # Both may be off by the bound, which is the same for either.
                cut = Ball(alone.arrays[part][0].astype(np.float64), 2.0 * ball.radius[0])
                said = judge(Value(found, None, "float32"), Expected(cut, None))
                if said.mismatch is not None:
                    said = Judgement(replace(said.mismatch, part=part))
                    verdict = self._verdict(name, case, pair, said, ROW_ALONE)
                    places = [steps.tolist() for steps in kept(case, row)]
                    both = {"alone": short.to_dict(), "row": row, "kept": places}
                    return replace(verdict, shown={**verdict.shown, **both})
                used = larger(used, said.used)
        return self._verdict(name, case, pair, Judgement(None, used), ROW_ALONE)

    def _forward(self, case: LayerCase, pair: Pair, mode: Mode) -> Done | Refusal:
        self.tally.asked[mode] += 1
        arrays = {"x": case.x, **{f"weight{i}": each for i, each in enumerate(case.weights)}}
        if case.mask is not None:
            arrays["mask"] = case.mask
        asked = {
            "layer": case.layer,
            "arguments": dict(case.parameters),
            "cut": case.cut,
            "reset": case.reset,
            "traced": self._traced(pair),
        }
        subject = cast(ModelSubject, self._subject)
        done = subject.perform(Task("layers.forward", asked, arrays), timeout=PATIENCE)
        self.tally.subject_seconds += done.seconds
        if isinstance(done, Crash):
            raise SubjectCrashed(done.reason)
        return done

    def _verdict(
        self, name: str, case: LayerCase, pair: Pair, said: Judgement, relation: str
    ) -> Verdict:
        """What is said of a layer: the shape class tells what it is that is asked of it."""
        numbers = case.mask is not None and case.mask.dtype != np.bool_
        kind = _unrolled(case) if case.parameters.get("unroll") else name
        kind += "-mask-of-numbers" * (numbers and kind == name)
        stage = "traced" if self._traced(pair) else "layer"
        return Verdict(name, said, stage, kind, {"call": case.to_dict()}, relation)


def _unrolled(case: LayerCase) -> str:
    """Unrolled steps are code of their own, the same for every layer; its flags tell it apart."""
    given = case.parameters
    zeroed = bool(given.get("zero_output_for_mask"))
    flags = {
        "bidirectional": case.layer == "Bidirectional",
        "backwards": bool(given.get("go_backwards")),
        "zeroed": zeroed,
        "last": zeroed and not given.get("return_sequences"),
    }
    return "-".join(["unrolled", *(name for name, there in flags.items() if there)])


def _of_row(found: Done, case: LayerCase, row: int, name: str) -> AnyArray:
    """What the calls of a batch gave of one row that the row without masked steps gives, too."""
    prefixes = ("",) if case.cut is None else ("", THEN)
    if name not in ("output", "backward"):
        last: AnyArray = found.arrays[prefixes[-1] + name][row]
        return last
    steps = zip(prefixes, kept(case, row), strict=True)
    rows = [found.arrays[prefix + name][row][valid] for prefix, valid in steps]
    joined: AnyArray = np.concatenate(rows)
    return joined


def _but_at(place: AnyArray, ball: Ball) -> Ball:
    """The same, with no word on some places."""
    return Ball(ball.value, np.where(place, np.inf, ball.radius))


def _judged(found: Done | Refusal, balls: Mapping[str, Ball]) -> Judgement:
    if isinstance(found, Refusal):
        return _refused(found)
    used: float | None = None
    for name, ball in balls.items():
        said = judge(Value(found.arrays[name], None, "float32"), Expected(ball, None))
        if said.mismatch is not None:
            return Judgement(replace(said.mismatch, part=name))
        used = larger(used, said.used)
    return Judgement(None, used)


def _refused(answer: Refusal) -> Judgement:
    observed = f"{answer.kind}: {answer.message}"[:300]
    return Judgement(Mismatch("answer", "an output", observed, 0.0))
