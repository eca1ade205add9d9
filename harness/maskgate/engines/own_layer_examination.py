"""A law of layers put to a layer of the user's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np

from maskgate.case import AnyArray, Case
from maskgate.engines.examination import Examination
from maskgate.engines.inquiry import NOT_OFFERED
from maskgate.engines.own_layer import OwnLayer
from maskgate.engines.own_layer_laws import (
    CONTENT,
    DROPPED,
    EMPTY,
    MASK_DTYPE,
    MIXED,
    NONFINITE,
    NOT_SKIPPED,
    PADDED,
    Back,
    Called,
    LayerLaw,
    Taken,
    bound_of,
    here,
    name_of,
    not_offered,
    same,
    spread,
)
from maskgate.oracle import Ball
from maskgate.strategies import NotTaken
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Crash, Mode, ModelSubject, Refusal, Task
from maskgate.verdicts.compare import Judgement, Mismatch, SubjectCrashed, judge_array, larger
from maskgate.verdicts.model import Finding, Identity, Verdict

NAME_ONE = "asks a layer of your own: --layer pkg.module:NAME"
SAYS_NOT = "the layer does not say that it skips masked steps (skips_masked_steps = True)"


class OwnLayerExamination(Examination):
    """What a law of layers is given as `subject`; it is skipped where no layer is checked."""

    every_mode = False
    _kind = "layer"

    def sees_no_content(self, pair: Pair) -> None:
        """Other numbers at masked steps change no output at valid steps."""
        self._both_alike(pair, CONTENT, same, here)

    def sees_no_nonfinite(self, pair: Pair) -> None:
        """NaN and infinity at masked steps change no output at valid steps."""
        self._both_alike(pair, NONFINITE, same, here)

    def ignores_padding(self, pair: Pair) -> None:
        """Masked steps at the end are as if the sequence were shorter."""
        self._inserted(pair, PADDED)

    def skips_masked_steps(self, pair: Pair) -> None:
        """Where the layer says so, masked steps anywhere are as if they were not there."""
        if not self._layer().said["skips"]:
            raise NotTaken(SAYS_NOT)
        self._inserted(pair, NOT_SKIPPED)

    def _inserted(self, pair: Pair, title: str) -> None:
        said = self._layer().said
        if said["steps"] is not None:
            raise NotTaken(f"it takes batches of {said['steps']} steps alone")
        if not said["even"]:
            raise NotTaken("its output has other steps than its input")
        assert pair.altered is not None
        kept, steps = list(pair.details["kept"]), pair.altered.y_pred.shape[1]

        def taken(array: AnyArray, pooled: bool) -> AnyArray:
            if pooled:
                return array
            spread = np.zeros((len(array), steps, *array.shape[2:]), array.dtype)
            spread[:, kept] = array
            return spread

        def back(index: tuple[int, ...], pooled: bool) -> tuple[int, ...]:
            return index if pooled else (index[0], kept.index(index[1]), *index[2:])

        self._both_alike(pair, title, taken, back)

    def keeps_rows_apart(self, pair: Pair) -> None:
        """The same rows in another order give the same outputs in that order."""
        order = list(pair.details["order"])

        def back(index: tuple[int, ...], _pooled: bool) -> tuple[int, ...]:
            return (order[index[0]], *index[1:])

        self._both_alike(pair, MIXED, lambda array, _pooled: array[order], back)

    def takes_any_mask_dtype(self, pair: Pair) -> None:
        """A mask of numbers is the mask of bools, or it is refused."""
        self._both_alike(pair, MASK_DTYPE, same, here, or_refused=True)

    def stays_finite(self, pair: Pair) -> None:
        """No output of a batch with a row that is masked altogether is NaN or infinite."""

        def judged(_mode: Mode) -> tuple[Judgement, LayerLaw]:
            called = self._call(pair.case)
            law = LayerLaw((pair.case,), EMPTY)
            if isinstance(called, Refusal):
                return not_offered(called), law
            for number, output in enumerate(called.outputs):
                wrong = ~np.isfinite(output)
                if wrong.any():
                    place = tuple(int(i) for i in np.argwhere(wrong)[0])
                    self._kind = self._kind_of(number)
                    seen = float(output[place])
                    name = name_of(number, called)
                    count, size = int(wrong.sum()), output.size
                    wanted = Mismatch(name, "a finite number", seen, 0.0, place, count, size)
                    recipe = {"check": "finite", "output": number, "place": list(place)}
                    return Judgement(wanted), replace(law, recipe_of_call=recipe)
            return Judgement(None), law

        self._asked(pair, judged)

    def hands_the_mask_on(self, pair: Pair) -> None:
        """An output that has steps carries a mask for them, or the layer warned or refused."""
        if all(self._layer().said["pooled"]):
            raise NotTaken("its output has no steps, so that no mask is left to hand on")

        def judged(_mode: Mode) -> tuple[Judgement, LayerLaw]:
            called = self._call(pair.case)
            law = LayerLaw((pair.case,), DROPPED)
            if isinstance(called, Refusal) or called.warned:
                return Judgement(None), law
            for number, mask in enumerate(called.masks):
                shape = called.outputs[number].shape[:2]
                if self._layer().said["pooled"][number] or (
                    mask is not None and mask.shape == shape
                ):
                    continue
                self._kind = "mask"
                observed = "none" if mask is None else f"a mask of shape {mask.shape}"
                wanted = Mismatch("mask", f"a mask of shape {shape}, or a warning", observed, 0.0)
                recipe = {"check": "mask", "output": number}
                return Judgement(wanted), replace(law, recipe_of_call=recipe)
            return Judgement(None), law

        self._asked(pair, judged, refusing=True)

    def _both_alike(
        self, pair: Pair, title: str, taken: Taken, back: Back, *, or_refused: bool = False
    ) -> None:
        assert pair.altered is not None
        altered = pair.altered

        def judged(_mode: Mode) -> tuple[Judgement, LayerLaw]:
            law = LayerLaw((pair.case, altered), title)
            first = self._call(pair.case)
            if isinstance(first, Refusal):
                return not_offered(first), law
            second = self._call(altered)
            if isinstance(second, Refusal):
                if or_refused or altered.y_pred.shape != pair.case.y_pred.shape:
                    return not_offered(second), law
                observed = f"{second.kind}: {second.message}"[:300]
                wanted = Mismatch("answer", "an output", observed, 0.0)
                return Judgement(wanted), replace(law, recipe_of_call={"check": "answers"})
            return self._compared(law, first, second, taken, back)

        self._asked(pair, judged)

    def _compared(
        self, law: LayerLaw, first: Called, second: Called, taken: Taken, back: Back
    ) -> tuple[Judgement, LayerLaw]:
        case, altered = law.cases
        used: float | None = None
        compared = False
        for number, valid in self._valid(altered, second):
            pooled = bool(self._layer().said["pooled"][number])
            before = taken(first.outputs[number], pooled).astype(np.float64)
            after = second.outputs[number].astype(np.float64)
            compared = True
            bound = bound_of(case, before, valid)
            radius = np.full(before.shape, bound)
            if before.shape == after.shape:
                after = np.where(spread(valid, after), after, before)
            said = judge_array(name_of(number, second), after, Ball(before, radius))
            if said.mismatch is not None:
                self._kind = self._kind_of(number)
                place = said.mismatch.index
                recipe = {
                    "check": "close",
                    "output": number,
                    "place": list(place),
                    "place_of_case": list(back(place, pooled)) if place else [],
                }
                return said, replace(law, recipe_of_call=recipe)
            used = larger(used, said.used)
        if not compared:
            none = "its output has other steps than its input, and no mask says which are valid"
            return not_offered(Refusal(NOT_OFFERED, none)), law
        return Judgement(None, used), law

    def _valid(self, case: Case, called: Called) -> Iterator[tuple[int, AnyArray]]:
        """For each output the rows, or the steps, that a law speaks of."""
        mask, said = np.asarray(case.mask, bool), self._layer().said
        for number, output in enumerate(called.outputs):
            carried = called.masks[number]
            if said["pooled"][number]:
                yield number, np.asarray(mask.any(axis=1))
            elif carried is not None and carried.shape == output.shape[:2]:
                own: AnyArray = carried.astype(bool)
                yield number, own & mask if own.shape == mask.shape else own
            elif output.shape[:2] == mask.shape and said["even"]:
                yield number, mask

    def _asked(
        self,
        pair: Pair,
        judged: Callable[[Mode], tuple[Judgement, LayerLaw]],
        *,
        refusing: bool = False,
    ) -> None:
        layer = self._layer()
        if layer.said["refuses"] and not refusing:
            raise NotTaken(f"it refuses a mask: {layer.said['refuses']}")
        self._in_each_mode(pair, self.description.modes[:1], judged, own_stage="own")

    def _layer(self) -> OwnLayer:
        if not isinstance(self.own, OwnLayer):
            raise NotTaken(NAME_ONE)
        return self.own

    def _call(self, case: Case) -> Called | Refusal:
        self.tally.asked[self.description.modes[0]] += 1
        arrays = {"x": case.y_pred, "mask": np.asarray(case.mask)}
        done = cast(ModelSubject, self._subject).perform(Task("own_layer.call", {}, arrays))
        self.tally.subject_seconds += done.seconds
        if isinstance(done, Crash):
            raise SubjectCrashed(done.reason)
        if isinstance(done, Refusal):
            return done
        count = sum(name.startswith("output") for name in done.arrays)
        outputs = tuple(done.arrays[f"output{i}"] for i in range(count))
        masks = tuple(done.arrays.get(f"mask{i}") for i in range(count))
        return Called(outputs, masks, str(done.data["warned"]))

    def _kind_of(self, number: int) -> str:
        return "pooled" if self._layer().said["pooled"][number] else "steps"

    def _identity(self, stage: str, pair: Pair) -> Identity:  # noqa: ARG002
        return Identity(self.property, self.semantics.family, stage, self._kind)

    def _finding(
        self,
        verdict: Verdict,
        identity: Identity,
        pair: Pair,
        mode: Mode,
        mismatch: Mismatch,
        recipe: dict[str, Any],
    ) -> Finding:
        finding = super()._finding(verdict, identity, pair, mode, mismatch, recipe)
        numbers = finding.title.removeprefix(f"{self.property}: ").partition(" (own, ")[0]
        title = f"{self.property}: {recipe.get('title', '')}: {numbers} ({pair.case.loss.name})"
        return replace(finding, title=title)
