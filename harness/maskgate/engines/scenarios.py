"""Named scenarios put to one subject: programs of public threads, on the live framework.

A scenario is chosen as `corpus-scenarios/NAME` where properties are chosen by name.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from unittest import SkipTest

import numpy as np
import pytest
from hypothesis import strategies as st

from maskgate.case import Case, LossSpec
from maskgate.engines.catalogue import UnknownProperty
from maskgate.engines.inquiry import Deviation
from maskgate.engines.model_examination import PATIENCE, ModelExamination
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Crash, Done, Mode, ModelSubject, Refusal, Task
from maskgate.subjects.worker.tasks.scenarios import SCENARIOS
from maskgate.verdicts.compare import Judgement, Mismatch, SubjectCrashed
from maskgate.verdicts.deviations import KnownDeviation
from maskgate.verdicts.model import Finding, Identity, Verdict

PROPERTY = "corpus-scenarios"
STAGE = "scenario"
# A listed deviation has a case; that of a scenario is in its program.
NO_CASE = Case(LossSpec.of("mse"), "none", "float32", np.zeros((1, 1)), np.zeros((1, 1)))


class _Chosen:
    """The scenarios of this run: set once, by the command line."""

    names: tuple[str, ...] = tuple(SCENARIOS)


def choose_scenarios(names: Sequence[str]) -> None:
    """Ask these scenarios alone; all of them where none is named."""
    _Chosen.names = tuple(names) or tuple(SCENARIOS)


def chosen_scenarios(select: Sequence[str], deselect: Sequence[str]) -> tuple[str, ...]:
    """The scenarios that globs such as `corpus-scenarios/masked-*` leave; empty for all.

    Args:
        select: globs of properties, and of scenarios behind a slash.
        deselect: likewise, to be left out.

    Raises:
        UnknownProperty: for a glob behind a slash that matches no scenario.
    """
    wanted = [glob.partition("/")[2] for glob in select if "/" in glob]
    unwanted = [glob.partition("/")[2] for glob in deselect if "/" in glob]
    for glob in (*wanted, *unwanted):
        if not fnmatch.filter(SCENARIOS, glob):
            near = difflib.get_close_matches(glob, SCENARIOS, cutoff=0.4)
            raise UnknownProperty(f"{PROPERTY}/{glob}", [f"{PROPERTY}/{name}" for name in near])
    whole = any("/" not in glob and fnmatch.fnmatch(PROPERTY, glob) for glob in select)
    kept = [
        name
        for name in SCENARIOS
        if (whole or not wanted or any(fnmatch.fnmatch(name, glob) for glob in wanted))
        and not any(fnmatch.fnmatch(name, glob) for glob in unwanted)
    ]
    return () if len(kept) == len(SCENARIOS) else tuple(kept)


def scenario_pair(name: str) -> Pair:
    """What asks one scenario."""
    return Pair(NO_CASE, None, {"scenario": name})


def scenario_pairs() -> st.SearchStrategy[Pair]:
    """Any of the chosen scenarios."""
    return st.deferred(lambda: st.sampled_from(_Chosen.names).map(scenario_pair))


def every_scenario() -> tuple[Pair, ...]:
    """Each scenario, in the order of its list."""
    return tuple(scenario_pair(name) for name in SCENARIOS)


@dataclass(frozen=True)
class AsSaid:
    """That a scenario comes out as it says; judged where it is run."""

    name: str
    cases: tuple[Case, ...] = (NO_CASE,)
    gradient: bool = False

    def judge(self, answers: Sequence[Any]) -> Judgement:
        """Not by itself: the program judges its own numbers."""
        raise NotImplementedError(f"{len(answers)} answers, and the program judges them")

    def recipe(self, mismatch: Mismatch) -> dict[str, Any]:
        """What a script runs."""
        del mismatch
        return {"relation": "scenario", "scenario": self.name}


class ScenarioExamination(ModelExamination):
    """What the property of the scenarios is given as `subject`."""

    # What each scenario said: it is a fixed program, and is run once.
    _said: dict[str, Judgement] | None = None

    @property
    def replays(self) -> tuple[KnownDeviation, ...]:
        """The listed deviations of the chosen scenarios."""
        asked = self._applicable()
        return tuple(each for each in super().replays if each.shape_class in asked)

    def replay(self, entry: KnownDeviation, run: Callable[[Pair], None]) -> Deviation | None:
        """Run a listed deviation's scenario; what it raises, or None.

        Raises:
            SkipTest: where the release lacks what the scenario is about, which is not mended then.
        """
        before = self.tally.not_offered
        raised = super().replay(entry, run)
        if raised is None and self.tally.not_offered > before:
            raise SkipTest(f"{entry.shape_class} cannot be asked here")
        return raised

    def some_of(self, corners: Sequence[Pair], number: int) -> Sequence[Pair]:
        """Those that can be asked: where the user has chosen, all of them, else the first ones."""
        few = len(_Chosen.names) < len(SCENARIOS)
        asked = [each for each in corners if each.details["scenario"] in self._applicable()]
        return asked if few else asked[:number]

    def comes_out(self, pair: Pair) -> None:
        """The program of the pair's scenario comes out as its sentence says."""
        self._applies()
        name = str(pair.details["scenario"])
        asked = self._applicable()
        if not asked:
            first = _Chosen.names[0]
            pytest.skip(f"{first} {self._reason_to_skip(first)}")
        if name in asked:
            modes = self.description.modes[:1]
            self._in_each_mode(pair, modes, lambda mode: self._run(name, mode), own_stage=STAGE)

    def _applicable(self) -> list[str]:
        return [name for name in _Chosen.names if self._reason_to_skip(name) is None]

    def _reason_to_skip(self, name: str) -> str | None:
        numbers = re.findall(r"\d+", self.description.keras)[:2]
        release = tuple(int(number) for number in numbers)
        return SCENARIOS[name].reason_to_skip(release, self.description.backend)

    def _run(self, name: str, mode: Mode) -> tuple[Judgement, Any]:
        said = self._said = {} if self._said is None else self._said
        if name not in said:
            said[name] = self._judged(name)
        self.tally.asked[mode] += 1
        return said[name], AsSaid(name)

    def _judged(self, name: str) -> Judgement:
        subject = cast(ModelSubject, self._subject)
        done = subject.perform(Task("scenarios.run", {"name": name}), timeout=PATIENCE)
        self.tally.subject_seconds += done.seconds
        if isinstance(done, Crash):
            raise SubjectCrashed(done.reason)
        if isinstance(done, Refusal):
            observed = f"{done.kind}: {done.message}"[:300]
            return Judgement(Mismatch("answer", "the scenario runs", observed, 0.0))
        assert isinstance(done, Done)
        if done.data["holds"]:
            return Judgement(None)
        said = done.data["expected"], done.data["observed"][:300]
        return Judgement(Mismatch("answer", *said, 0.0))

    def _identity(self, stage: str, pair: Pair) -> Identity:
        name = str(pair.details["scenario"])
        return Identity(self.property, self.semantics.family, stage, name)

    def _finding(
        self,
        verdict: Verdict,
        identity: Identity,
        pair: Pair,
        mode: Mode,
        mismatch: Mismatch,
        recipe: dict[str, Any],
    ) -> Finding:
        made = super()._finding(verdict, identity, pair, mode, mismatch, recipe)
        name = str(pair.details["scenario"])
        title = f"{PROPERTY}/{name}: {mismatch}"[:200]
        return replace(made, title=title, message=SCENARIOS[name].sentence, case=None)
