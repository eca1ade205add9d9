"""A property of the masked call of a layer without recurrence put to one subject."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import cast

import numpy as np

from maskgate.case.layer_calls import LayerCall
from maskgate.engines.layer_call_judging import (
    Found,
    alike,
    both_calls,
    bounds,
    defined,
    finite,
    headed,
    inside,
    places,
    refused,
)
from maskgate.engines.layer_examination import LayerExamination
from maskgate.engines.model_examination import PATIENCE
from maskgate.engines.numbers_examination import Verdict
from maskgate.engines.zoo_examination import kebab
from maskgate.oracle import Ball
from maskgate.oracle.attention import attended, seen
from maskgate.oracle.merges import MERGES as MERGED
from maskgate.oracle.merges import emitted, merged
from maskgate.strategies.layer_calls import ATTENTION, MERGES, STATISTICS, layer_call
from maskgate.strategies.layer_padding import HUGE, lengthened, refilled
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Crash, Done, Mode, ModelSubject, Refusal, Task
from maskgate.verdicts.compare import Judgement, Mismatch, SubjectCrashed

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
                no_output = refused(found)
                yield Verdict(name, no_output, _STAGE, f"{kind}-refused", shown, DEFINITION)
                continue
            said = inside(found, self._defined(call))
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
                    yield Verdict(name, refused(bare), _STAGE, kind, shown, LAW)
                else:  # an error over a mask lets no masked step through
                    self.tally.refused += 1
                continue
            for what, asked, kind, altered in judged(call, base, mode):
                if pair.details.get("only") not in (None, f"{name}/{what}"):
                    continue
                said, within = asked()
                shown = {} if said.holds else both_calls(call, altered, within)
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
            return alike(refill(content), base, {"output": 2.0 * own}, {"output": sighted})

        def longer() -> Found:
            both = own + attended(more).radius
            return alike(self._call(more, mode), base, {"output": both}, {"output": sighted})

        def blind() -> Found:
            asking = {"output": ~sighted & call.valid(0)}
            return alike(refill(None), base, {"output": np.zeros(own.shape)}, asking)

        more = lengthened(call, 1)
        full, huge, nan = (refilled(call, 1, content) for content in (None, HUGE, np.nan))
        yield "finite", lambda: finite(base), "not-finite", None
        yield "content", lambda: same(None), "sees-masked-keys", full
        yield "longer", longer, "sees-masked-keys", more
        yield "huge", lambda: same(HUGE), "huge-under-mask", huge
        yield "nan", lambda: same(np.nan), "nan-under-mask", nan
        yield "blind", blind, "of-masked-keys-alone", full

    def _counted(self, call: LayerCall, base: Done, mode: Mode) -> Iterator[Asked]:
        """What is asked of one layer of statistics, the plainest change first."""
        valid = {"output": places(call, base.arrays["output"].shape)}
        own = bounds(call, base)

        def same(altered: LayerCall) -> Found:
            found = self._call(altered, mode)
            return alike(found, base, {name: 2.0 * each for name, each in own.items()}, valid)

        def longer() -> Found:
            found = self._call(more, mode)
            both = {
                name: own[name] + headed(radius, own[name].shape)
                for name, radius in bounds(more, found).items()
            }
            return alike(found, base, both, valid)

        more = lengthened(call, 0)
        full, nan = (refilled(call, 0, content) for content in (None, np.nan))
        yield "content", lambda: same(full), "counts-masked-steps", full
        if call.layer in _LONGER:
            yield "longer", longer, "counts-masked-steps", more
        yield "nan", lambda: same(nan), "nan-under-mask", nan
        yield "nothing", lambda: finite(base), "nothing-valid", None

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
