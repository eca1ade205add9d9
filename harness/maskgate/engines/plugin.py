"""The pytest plug-in that runs the property suite against one subject.

`pytest properties/ --subject current` and `maskgate check` both come through here. A property is a
plain test function: its name is the public name, its module's mark is its kind, and the fixture
`subject` is the `Examination` that it speaks to.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from maskgate.engines.ahead import run_ahead
from maskgate.engines.catalogue import public_name
from maskgate.engines.event_reporter import EventReporter
from maskgate.engines.events import EventLog
from maskgate.engines.examination import Examination
from maskgate.engines.examining import examine
from maskgate.engines.model_examination import ModelExamination
from maskgate.engines.outcome import conclude, replay_known, try_corners, try_other_modes
from maskgate.engines.own_loss import corners_for
from maskgate.engines.profiles import PROFILES, Profile, hypothesis_settings
from maskgate.engines.replica_examination import ReplicaExamination
from maskgate.engines.scenarios import choose_scenarios
from maskgate.engines.session import Session
from maskgate.engines.zoo_examination import ZooExamination
from maskgate.strategies import Pair, corners_of, spend_signatures
from maskgate.subjects.protocol import Subject, SubjectError
from maskgate.verdicts.model import KINDS

SEVERAL_BACKENDS = "several_backends"
WHOLE_MODELS = "whole_models"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the suite; `maskgate check` sets them, a person may."""
    group = parser.getgroup("maskgate", "maskgate: masked and weighted losses")
    group.addoption("--subject", default="current", help="what to check (default: current)")
    group.addoption(
        "--profile", default="default", choices=sorted(PROFILES), help="how much to try"
    )
    group.addoption("--baseline", default=None, help="accepted deviations, beside the known ones")
    group.addoption("--backend", default=None, help="tensorflow, jax or torch")
    group.addoption("--device", default="cpu", help="cpu or gpu")
    group.addoption(
        "--timeout", default=60.0, type=float, help="seconds a subject may take to answer"
    )
    group.addoption("--database", default=None, help="folder of the Hypothesis example database")
    group.addoption(
        "--peer",
        action="append",
        default=[],
        help="a subject to compare with, if it is the same release on another backend; repeatable",
    )
    group.addoption(
        "--scenario", action="append", default=[], help="ask this scenario alone; repeatable"
    )
    group.addoption("--loss", default=None, help="a loss of your own: pkg.module:NAME")
    group.addoption("--metric", default=None, help="a metric of your own: pkg.module:NAME")
    group.addoption("--layer", default=None, help="a layer of your own: pkg.module:NAME")
    group.addoption("--like", default=None, help="the built-in loss that yours computes")
    group.addoption("--events", default=None, help="append the run's events to this file")


def pytest_configure(config: pytest.Config) -> None:
    """Register the kinds and the profile."""
    for kind in KINDS:
        config.addinivalue_line("markers", f"{kind}: the kind of a property")
    config.addinivalue_line("markers", f"{SEVERAL_BACKENDS}: compares the subject with its peers")
    config.addinivalue_line("markers", f"{WHOLE_MODELS}: asks models and their trainer")
    profile = PROFILES[config.getoption("--profile")]
    spend_signatures(profile.signatures)
    choose_scenarios(config.getoption("--scenario"))
    tried = hypothesis_settings(profile, database=config.getoption("--database"))
    settings.register_profile("maskgate", tried)
    settings.load_profile("maskgate")
    config.stash[_SESSION] = Session(config)
    if config.getoption("--events") and not hasattr(config, "workerinput"):
        log = EventLog(Path(config.getoption("--events")))
        config.pluginmanager.register(EventReporter(config, log), "maskgate-events")


_SESSION = pytest.StashKey[Session]()
_EXAMINATION = pytest.StashKey[Examination]()


@pytest.fixture
def subject(request: pytest.FixtureRequest) -> Examination:
    """The examination of the session's subject by the property that asks."""
    try:
        opened, description = request.config.stash[_SESSION].open()
    except SubjectError as problem:
        request.session.shouldstop = f"{problem}"
        request.node.user_properties.append(
            ("maskgate-subject-failed", json.dumps([problem.asked, problem.found, problem.hint]))
        )
        pytest.fail(str(problem), pytrace=False)
    name = public_name(request.function.__name__)
    session = request.config.stash[_SESSION]
    known = session.known()
    peers: Sequence[Subject] = ()
    if request.node.get_closest_marker(SEVERAL_BACKENDS) is not None:
        peers = session.peers()
        # With nothing to compare with there is nothing to replay either.
        known = known if peers else ()
    models = request.node.get_closest_marker(WHOLE_MODELS)
    # The words that a property of models is written in, where they are not those of most.
    kind = Examination if models is None else models.kwargs.get("examination", ModelExamination)
    examination = examine(opened, description, name, known, peers, session.own, kind=kind)
    if isinstance(examination, ZooExamination | ReplicaExamination):
        examination.brief = PROFILES[request.config.getoption("--profile")].brief
    request.node.stash[_EXAMINATION] = examination
    return examination


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    """Replay what is known of a property, run it, and put its verdict down."""
    examination = pyfuncitem.stash.get(_EXAMINATION, None)
    if examination is None:
        return None
    started = time.perf_counter()
    problem: BaseException | None = None
    inner = pyfuncitem.function.hypothesis.inner_test
    profile = PROFILES[pyfuncitem.config.getoption("--profile")].on(examination.description.backend)
    pyfuncitem.obj = settings(max_examples=_examples(pyfuncitem, profile))(pyfuncitem.function)

    def run(pair: Pair) -> None:
        inner(subject=examination, pair=pair)

    replayed = replay_known(examination, run)
    try:
        _run_drawn(pyfuncitem, examination)
        # Only where the drawn examples hold: what they find, they shrink.
        corners = corners_for(examination.own, corners_of(pyfuncitem.function))
        if isinstance(examination, ModelExamination):
            corners = examination.some_of(corners, profile.stacks)
        else:
            corners = corners[:: profile.corners]
        problem = try_corners(corners, run, compiled=4 * profile.signatures)
    except (KeyboardInterrupt, pytest.exit.Exception):
        raise
    except BaseException as raised:  # Hypothesis raises groups, and skips are BaseExceptions
        problem = raised
    try_other_modes(examination, problem, run)
    outcome = conclude(
        examination,
        kind=_kind(pyfuncitem),
        replayed=replayed,
        problem=problem,
        seconds=lambda: time.perf_counter() - started,
    )
    pyfuncitem.user_properties.append(("maskgate", json.dumps(outcome.to_dict(), default=str)))
    if outcome.unexpected:
        pytest.fail(outcome.summary(), pytrace=False)
    return True


def _examples(item: pytest.Function, profile: Profile) -> int:
    """How many examples a property draws: those that ask whole models for each, or that compare
    with the formula, have their own number."""
    models = item.get_closest_marker(WHOLE_MODELS)
    # A light one asks whole models now and then.
    light = models is not None and models.kwargs.get("light")
    conformance = models is None and item.get_closest_marker("conformance") is not None
    return profile.examples_of(
        whole_models=models is not None and not light, conformance=conformance
    )


def _run_drawn(item: pytest.Function, examination: Examination) -> None:
    """Run a property on drawn examples; raises what they show."""

    def as_it_is() -> None:
        item.obj(subject=examination)

    repeats = item.config.getoption("hypothesis_seed") is not None
    if not repeats or item.config.getoption("--database") or examination.own is not None:
        # Nothing says that a second run would draw what the first one did; or drawing, too, asks
        # the subject: what to expect of a user's own loss.
        as_it_is()
        return
    before = copy.deepcopy(examination.tally)

    def draw(do: Callable[[Callable[[], None]], None]) -> None:
        with examination.asking_by(do):
            as_it_is()

    def again() -> None:
        spent = examination.tally.subject_seconds
        examination.tally = replace(before, subject_seconds=spent)
        as_it_is()

    run_ahead(draw, again=again)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """End what a property has started for itself."""
    examination = item.stash.get(_EXAMINATION, None)
    if examination is not None:
        examination.finish()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave no subject behind."""
    session = config.stash.get(_SESSION, None)
    if session is not None:
        session.close()


def _kind(item: pytest.Item) -> Any:
    return next(kind for kind in KINDS if item.get_closest_marker(kind) is not None)
