"""A property about single layers put to one subject: what each makes of a mask."""

from __future__ import annotations

import re
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from maskgate.case import Case
from maskgate.engines.examination import Examination
from maskgate.engines.inquiry import Deviation
from maskgate.engines.layer_masks import PATIENCE, TASK, shipped
from maskgate.engines.outcome import CornersDeviate
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Answer, Crash, Mode, ModelSubject, Refusal, Subject, Task
from maskgate.verdicts.compare import Judgement, Mismatch, SubjectCrashed
from maskgate.verdicts.model import Finding, Identity, Verdict

UNLISTED = "nothing is listed for it"
NOT_ASKED = "not asked"
SILENT, TAKEN = "dropped silently", "taken off the input"
LISTED_SILENT, LISTED_TAKEN = "listed-layer", "layer-that-takes-it-off"

# What a quick run leaves out: layers that are listed to lose the mask, most of them for images.
LOST = ("dropped with a warning", "refused for its mask", SILENT, NOT_ASKED)
AT_ONCE = 20

Told = Mapping[str, Mapping[str, str]]

# What a subject has said of its layers: two properties judge the same answers.
_TOLD: weakref.WeakKeyDictionary[Subject, dict[tuple[str, ...], Told]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Masked:
    """What one layer is said to make of a mask; judged where it is asked."""

    case: Case
    recipe_of_layer: Mapping[str, Any]
    gradient: bool = False

    @property
    def cases(self) -> tuple[Case, ...]:
        """The batch that the layer is called with."""
        return (self.case,)

    def judge(self, answers: Sequence[Answer]) -> Judgement:
        """Not by itself: one task answers for every layer."""
        raise NotImplementedError(f"{len(answers)} answers of no layer")

    def recipe(self, mismatch: Mismatch) -> dict[str, Any]:
        """What a script does."""
        return {
            "relation": "layer-mask",
            "part": mismatch.part,
            **self.recipe_of_layer,
        }


class ZooExamination(Examination):
    """What a property of layers is given as `subject`.

    The layers are those that the subject's framework exports, each called once on one masked batch;
    a replayed deviation asks the one layer of its `details["layer"]`.
    """

    every_mode = False
    brief = False

    def emits_what_is_listed(self, pair: Pair) -> None:
        """Every layer does with its mask what is listed for this release, and every layer is
        listed."""
        listed = shipped().layers(self.description)

        def judged(name: str, said: Mapping[str, str]) -> tuple[Judgement, str]:
            wanted = listed.get(name)
            if said["mask"] == wanted or wanted == NOT_ASKED or _lacks_a_package(said):
                return Judgement(None), ""
            expected = UNLISTED if wanted is None else wanted
            return Judgement(Mismatch("mask", expected, said["mask"], 0.0)), kebab(name)

        self._each_layer(pair, judged)
        for name in sorted(set(listed) - set(self._all())):
            if "layer" not in pair.details:
                self._gone(pair, name)

    def loses_no_mask_silently(self, pair: Pair) -> None:
        """A layer that destroys a mask warns or refuses."""
        listed = shipped().layers(self.description)

        def judged(name: str, said: Mapping[str, str]) -> tuple[Judgement, str]:
            silent = SILENT in said["mask"] or TAKEN in said["mask"]
            if not silent:
                return Judgement(None), ""
            kind = kebab(name)
            if listed.get(name) == said["mask"]:
                kind = LISTED_TAKEN if TAKEN in said["mask"] else LISTED_SILENT
            wanted = "kept, or a warning"
            return Judgement(Mismatch("mask", wanted, said["mask"], 0.0)), kind

        self._each_layer(pair, judged)

    def _each_layer(self, pair: Pair, judged: Any) -> None:
        self._applies()
        mode = self.description.modes[0]
        try:
            told = self._ask(pair, mode)
        except SubjectCrashed as crash:
            self._crashed(pair, mode, str(crash))
            return
        found: dict[type[Deviation], Deviation] = {}
        for name, said in told.items():
            self.tally.examples += 1
            verdict, kind = judged(name, said)
            about = {**pair.details, "layer": name, "class": kind}
            relation = Masked(pair.case, {"layer": name, **said})
            try:
                self._settle(replace(pair, details=about), mode, verdict, relation, "layer")
            except Deviation as deviation:
                found.setdefault(type(deviation), deviation)
        if found:
            shown = list(found.values())
            raise CornersDeviate(shown) if len(shown) > 1 else shown[0]

    def _gone(self, pair: Pair, name: str) -> None:
        about = {**pair.details, "layer": name, "class": kebab(name)}
        gone = Judgement(Mismatch("mask", "a layer", "the framework exports none", 0.0))
        relation = Masked(pair.case, {"layer": name, "mask": "", "call": "", "given": ""})
        mode = self.description.modes[0]
        self._settle(replace(pair, details=about), mode, gone, relation, "layer")

    def _applies(self) -> None:
        if self.description.distribution == "seed":
            pytest.skip("the seed's formula has no layers")
        if self.own is not None:
            pytest.skip("the layers of the framework are asked, not a loss")
        if not shipped().layers(self.description):
            pytest.skip("no release of this framework is listed")

    def _ask(self, pair: Pair, mode: Mode) -> Told:
        if "layer" in pair.details:
            return self._masks(mode, [pair.details["layer"]])
        kept, names = _TOLD.setdefault(self._subject, {}), tuple(self._names())
        if names not in kept:
            kept[names] = self._masks(mode, names)
        else:
            self.tally.asked[mode] += 1
        return kept[names]

    def _names(self) -> list[str]:
        """The layers to ask; in a quick run those that are listed to lose it are left out."""
        listed = shipped().layers(self.description)
        names = self._all()
        return [name for name in names if listed.get(name) not in LOST] if self.brief else names

    def _all(self) -> list[str]:
        return list(self._perform("zoo.exported", {})["layers"])

    def _masks(self, mode: Mode, names: Sequence[str]) -> Told:
        told: dict[str, Mapping[str, str]] = {}
        # Some at a time: JAX compiles what each layer does, and an answer has a limit of time.
        for start in range(0, len(names), AT_ONCE):
            self.tally.asked[mode] += 1
            asked = {"layers": [*names[start : start + AT_ONCE]]}
            told.update(cast(Told, self._perform(TASK, asked)["layers"]))
        return told

    def _perform(self, task: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        subject = cast(ModelSubject, self._subject)
        done = subject.perform(Task(task, parameters, {}), timeout=PATIENCE)
        self.tally.subject_seconds += done.seconds
        if isinstance(done, Crash):
            raise SubjectCrashed(done.reason)
        if isinstance(done, Refusal):
            raise SubjectCrashed(f"{done.kind}: {done.message}")
        return done.data

    def _identity(self, stage: str, pair: Pair) -> Identity:
        kind = str(pair.details.get("class", "layers"))
        return Identity(self.property, self.semantics.family, stage, kind)

    def _finding(
        self,
        verdict: Verdict,
        identity: Identity,
        pair: Pair,
        mode: Mode,
        mismatch: Mismatch,
        recipe: dict[str, Any],
    ) -> Finding:
        about = {key: value for key, value in pair.details.items() if key != "class"}
        finding = super()._finding(
            verdict, identity, replace(pair, details=about), mode, mismatch, recipe
        )
        layer, said = recipe.get("layer", ""), recipe.get("said", "")
        words = f"{mismatch.observed}, where {mismatch.expected} is right"
        if mismatch.expected == UNLISTED:
            words = f"{mismatch.observed}, and {UNLISTED} in this release"
        how = f": {recipe['call']} on {recipe['given']}" if recipe.get("given") else ""
        return replace(
            finding,
            title=f"{self.property}: the mask in {layer} is {words}",
            message=f"{layer}{how}: {mismatch.observed}{f' ({said})' if said else ''}",
        )


def _lacks_a_package(said: Mapping[str, str]) -> bool:
    """Whether a layer could not be asked for want of a package that the framework does not bring:
    the list comes from installations that have it."""
    missing = said.get("said", "").startswith(("ImportError", "ModuleNotFoundError"))
    return said["mask"] == NOT_ASKED and missing


def kebab(name: str) -> str:
    """`GlobalMaxPooling1D` -> `global-max-pooling1d`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "-", name).lower()
