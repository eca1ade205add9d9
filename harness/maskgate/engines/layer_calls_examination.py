"""A property of the masked call of a layer without recurrence put to one subject."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, cast

import numpy as np

from maskgate.case import AnyArray, array_to_dict
from maskgate.case.layer_calls import LayerCall
from maskgate.engines.layer_examination import LayerExamination
from maskgate.engines.model_examination import PATIENCE
from maskgate.engines.numbers_examination import Verdict
from maskgate.engines.zoo_examination import kebab
from maskgate.oracle import Ball
from maskgate.oracle.attention import attended, seen
from maskgate.oracle.merges import MERGES as MERGED
from maskgate.oracle.merges import emitted, merged
from maskgate.oracle.normalisation import batch_normalised
from maskgate.oracle.pooling import global_average
from maskgate.oracle.softmax import softmax_layer
from maskgate.strategies.layer_calls import ATTENTION, MERGES, STATISTICS, layer_call
from maskgate.strategies.layer_padding import HUGE, lengthened, refilled
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Crash, Done, Mode, ModelSubject, Refusal, Task
from maskgate.verdicts.compare import Judgement, Mismatch, SubjectCrashed, judge_array, larger

Arrays = Mapping[str, AnyArray]

# Of these the definition is asked; the others have no mask in it.
DEFINED = ("global-average-pooling1d", "batch-normalization", *ATTENTION, "softmax", *MERGES)
# What is wrong with these need not be wrong with the others of the layer.
OWN_KIND = ("attention-coincident",)
# Which of the calls of attention stand for the law.
PADDED = ("attention", "additive-attention", "multi-head-attention-of-two")
# The layers whose masked steps can be longer without another length of a sum that has no bound.
_LONGER = ("GlobalAveragePooling1D", "BatchNormalization", "GlobalMaxPooling1D")
_STAGE = "layer"
# A batch is asked of every third call: there are many.
TURNS = 3

# What scripts of findings compare.
DEFINITION, LAW = "masked-call", "masked-calls"

# What comes of a question, and how far apart the two answers may be where there are two.
Found = tuple[Judgement, Arrays]
# What is done to a call, what comes of it, what to call it where it deviates, and the other call.
Asked = tuple[str, Callable[[], Found], str, LayerCall | None]
Judged = Callable[[LayerCall, Done, Mode], Iterator[Asked]]
# What counts these, counts all that comes after them too.
PLAIN = ("content", "longer")


class LayerCallsExamination(LayerExamination):
    """What a property of layers without recurrence is given as `subject`.

    A pair's case holds the masked batch as predictions; the details hold the `seed` of everything
    else, and, of a replayed deviation, the one number to ask as `only`.
    """

    def runs_forward(self, pair: Pair) -> None:
        """Every layer, recurrent ones too, gives what its definition gives of a masked batch."""
        only = pair.details.get("only")
        if only not in DEFINED:
            super().runs_forward(pair)
        if only in DEFINED or (only is None and not self._traced(pair)):
            self.judged_each(pair, lambda mode: self._forwards(pair, mode))

    def ignores_masked_keys(self, pair: Pair) -> None:
        """What masked keys and values hold, and how many there are, changes no output; an output
        that no key reaches is finite and depends on none."""
        self.judged_each(pair, lambda mode: self._each(pair, mode, PADDED, self._padded))

    def counts_valid_steps(self, pair: Pair) -> None:
        """What masked steps hold, and how many there are, changes neither an output nor a moving
        statistic; where nothing is valid, both are finite."""
        self.judged_each(pair, lambda mode: self._each(pair, mode, list(STATISTICS), self._counted))

    def _forwards(self, pair: Pair, mode: Mode) -> Iterator[Verdict]:
        for name in self._names(pair, DEFINED):
            call = layer_call(pair, name)
            found = self._call(call, mode, needs_mask=name not in MERGES)
            kind = name if name in OWN_KIND else kebab(call.layer)
            shown = {"call": call.to_dict()}
            if isinstance(found, Refusal):
                refused = _refused(found)
                yield Verdict(name, refused, _STAGE, f"{kind}-refused", shown, DEFINITION)
                continue
            said = _inside(found, self._defined(call))
            if said.holds and name in MERGES:
                said, kind = self._emitted(call, found), f"{kind}-mask"
            yield Verdict(name, said, _STAGE, kind, shown, DEFINITION)

    def _defined(self, call: LayerCall) -> Mapping[str, Ball]:
        if call.layer in MERGED:
            return {"output": merged(call, self._release)}
        return defined(call)

    @property
    def _release(self) -> tuple[int, ...]:
        return tuple(int(part) for part in re.findall(r"\d+", self.description.keras)[:2])

    def _emitted(self, call: LayerCall, found: Done) -> Judgement:
        wanted, got = emitted(call, self._release), found.arrays.get("mask")
        said = [None if each is None else each.astype(int).tolist() for each in (wanted, got)]
        if said[0] == said[1]:
            return Judgement(None)
        return Judgement(Mismatch("mask", str(said[0]), str(said[1]), 0.0))

    def _each(
        self, pair: Pair, mode: Mode, names: Sequence[str], judged: Judged
    ) -> Iterator[Verdict]:
        for name in self._names(pair, names):
            call = layer_call(pair, name)
            base = self._call(call, mode)
            if isinstance(base, Refusal):
                bare = self._call(replace(call, masks=(None,) * len(call.masks)), mode)
                if isinstance(bare, Refusal):
                    shown, kind = {"call": call.to_dict()}, f"{kebab(call.layer)}-refused"
                    yield Verdict(name, _refused(bare), _STAGE, kind, shown, LAW)
                else:  # an error over a mask lets no masked step through
                    self.tally.refused += 1
                continue
            for what, asked, kind, altered in judged(call, base, mode):
                if pair.details.get("only") not in (None, f"{name}/{what}"):
                    continue
                said, within = asked()
                shown = {} if said.holds else _shown(call, altered, within)
                whose = f"{kebab(call.layer)}-{kind}"
                yield Verdict(f"{name}/{what}", said, _STAGE, whose, shown, LAW)
                if not said.holds and what in PLAIN:
                    break

    def _padded(self, call: LayerCall, base: Done, mode: Mode) -> Iterator[Asked]:
        """What is asked of one attention layer, the plainest change first."""
        sighted = np.asarray(seen(call).any(axis=2))
        own = attended(call).radius
        refill = cache(lambda content: self._call(refilled(call, 1, content), mode))

        def same(content: float | None) -> Found:
            return _alike(refill(content), base, {"output": 2.0 * own}, {"output": sighted})

        def longer() -> Found:
            both = own + attended(more).radius
            return _alike(self._call(more, mode), base, {"output": both}, {"output": sighted})

        def blind() -> Found:
            asking = {"output": ~sighted & call.valid(0)}
            return _alike(refill(None), base, {"output": np.zeros(own.shape)}, asking)

        more = lengthened(call, 1)
        full, huge, nan = (refilled(call, 1, content) for content in (None, HUGE, np.nan))
        yield "finite", lambda: _finite(base), "not-finite", None
        yield "content", lambda: same(None), "sees-masked-keys", full
        yield "longer", longer, "sees-masked-keys", more
        yield "huge", lambda: same(HUGE), "huge-under-mask", huge
        yield "nan", lambda: same(np.nan), "nan-under-mask", nan
        yield "blind", blind, "of-masked-keys-alone", full

    def _counted(self, call: LayerCall, base: Done, mode: Mode) -> Iterator[Asked]:
        """What is asked of one layer of statistics, the plainest change first."""
        valid = {"output": places(call, base.arrays["output"].shape)}
        own = _bounds(call, base)

        def same(altered: LayerCall) -> Found:
            found = self._call(altered, mode)
            return _alike(found, base, {name: 2.0 * each for name, each in own.items()}, valid)

        def longer() -> Found:
            found = self._call(more, mode)
            both = {
                name: own[name] + _headed(radius, own[name].shape)
                for name, radius in _bounds(more, found).items()
            }
            return _alike(found, base, both, valid)

        more = lengthened(call, 0)
        full, nan = (refilled(call, 0, content) for content in (None, np.nan))
        yield "content", lambda: same(full), "counts-masked-steps", full
        if call.layer in _LONGER:
            yield "longer", longer, "counts-masked-steps", more
        yield "nan", lambda: same(nan), "nan-under-mask", nan
        yield "nothing", lambda: _finite(base), "nothing-valid", None

    def _names(self, pair: Pair, names: Sequence[str]) -> list[str]:
        """The calls to ask: the one of a replayed deviation, or some, by turns: one where each
        builds a graph."""
        only = str(pair.details.get("only", "")).partition("/")[0]
        if only:
            return [only] if only in names else []
        turn = int(pair.details["seed"]) + int(np.count_nonzero(np.asarray(pair.case.mask)))
        if "eager" in self.description.modes:
            return list(names[turn % TURNS :: TURNS])
        offered = [name for name in names if name not in ATTENTION and name != "softmax"]
        return [offered[turn % len(offered)]] if offered else []

    def _call(self, call: LayerCall, mode: Mode, *, needs_mask: bool = False) -> Done | Refusal:
        self.tally.asked[mode] += 1
        asked = {
            "layer": call.layer,
            "arguments": dict(call.arguments),
            "options": dict(call.options),
            "training": call.training,
            "needs_mask": needs_mask,
        }
        subject = cast(ModelSubject, self._subject)
        done = subject.perform(Task("layer_calls.call", asked, call.arrays()), timeout=PATIENCE)
        self.tally.subject_seconds += done.seconds
        if isinstance(done, Crash):
            raise SubjectCrashed(done.reason)
        return done


def defined(call: LayerCall) -> Mapping[str, Ball]:
    """What a layer's definition gives: the output, and of batch normalisation its statistics."""
    if call.layer == "BatchNormalization":
        said = batch_normalised(call)
        return {"output": said.output, "weight2": said.mean, "weight3": said.variance}
    return {"output": OUTPUTS[call.layer](call)}


OUTPUTS: Mapping[str, Callable[[LayerCall], Ball]] = {
    "GlobalAveragePooling1D": global_average,
    "Softmax": softmax_layer,
    "Attention": attended,
    "AdditiveAttention": attended,
    "MultiHeadAttention": attended,
}


def places(call: LayerCall, shape: Sequence[int]) -> AnyArray:
    """Which outputs a valid step has a part in.

    Args:
        call: of one input.
        shape: of its output: `(batch, features)`, or `(batch, steps, features)`, where a step may
            be a window of several.

    Returns:
        `(batch,)` or `(batch, steps)`, bool.
    """
    valid = call.valid()
    rows = valid if len(shape) == 2 else valid.reshape(*shape[:2], -1)
    return np.asarray(rows.any(axis=-1))


def _bounds(call: LayerCall, found: Done | Refusal) -> Arrays:
    """The error of a right answer; none where a masked step has no part in the computation."""
    if call.layer in ("GlobalAveragePooling1D", "BatchNormalization"):
        return {name: ball.radius for name, ball in defined(call).items()}
    return {} if isinstance(found, Refusal) else {"output": np.zeros(found.arrays["output"].shape)}


def _inside(found: Done, balls: Mapping[str, Ball]) -> Judgement:
    used: float | None = None
    for name, ball in balls.items():
        said = judge_array(name, found.arrays[name], ball)
        if not said.holds:
            return said
        used = larger(used, said.used)
    return Judgement(None, used)


def _alike(found: Done | Refusal, base: Done, apart: Arrays, of: Arrays) -> Found:
    """Whether two answers are no further apart than allowed, and how far that is.

    Args:
        found: to the altered call; may have more steps.
        base: to the call.
        apart: by name, what is compared and how far it may be apart.
        of: by name, which places are compared; all where a name is missing.
    """
    within = {
        name: np.where(_spread(of[name], radius), radius, np.inf) if name in of else radius
        for name, radius in apart.items()
    }
    if isinstance(found, Refusal):
        return _refused(found), within
    used: float | None = None
    for name, radius in within.items():
        was = base.arrays[name]
        now = _headed(found.arrays[name], was.shape)
        said = judge_array(name, now, Ball(was.astype(np.float64), radius))
        if not said.holds:
            return said, within
        used = larger(used, said.used)
    return Judgement(None, used), within


def _spread(places: AnyArray, over: AnyArray) -> AnyArray:
    """Places of leading axes, for an array that has more."""
    return places.reshape(places.shape + (1,) * (over.ndim - places.ndim))


def _shown(call: LayerCall, altered: LayerCall | None, within: Arrays) -> dict[str, Any]:
    """What a finding says beside its batch."""
    return {
        "call": call.to_dict(),
        "altered_call": None if altered is None else altered.to_dict(),
        "within": {name: array_to_dict(radius) for name, radius in within.items()},
    }


def _headed(array: AnyArray, shape: Sequence[int]) -> AnyArray:
    """The steps that both have."""
    return array[tuple(slice(size) for size in shape)]


def _finite(found: Done) -> Found:
    for array in found.arrays.values():
        if not np.isfinite(array).all():
            worst = float(array[~np.isfinite(array)].flat[0])
            return Judgement(Mismatch("value", "a finite number", worst, 0.0)), {}
    return Judgement(None), {}


def _refused(answer: Refusal) -> Judgement:
    observed = f"{answer.kind}: {answer.message}"[:300]
    return Judgement(Mismatch("answer", "an output", observed, 0.0))
