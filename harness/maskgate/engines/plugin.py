"""The pytest plug-in that runs the property suite against one subject.

`pytest properties/ --subject current` and `maskgate check` both come through here. A property is a
plain test function: its name is the public name, its module's mark is its kind, and the fixture
`subject` is the `Examination` that it speaks to.
"""

from __future__ import annotations

import contextlib
import copy
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import settings

from maskgate.case import LossSpec
from maskgate.engines.ahead import run_ahead
from maskgate.engines.catalogue import public_name, suite_folder
from maskgate.engines.events import EventLog
from maskgate.engines.examination import Examination
from maskgate.engines.forced_failure import prove_it_can_fail
from maskgate.engines.listing import listed
from maskgate.engines.model_examination import ModelExamination
from maskgate.engines.outcome import conclude, replay_known, try_corners, try_other_modes
from maskgate.engines.own_layer import OwnLayer, layer_introduced
from maskgate.engines.own_loss import OwnLoss, corners_for, introduced
from maskgate.engines.profiles import PROFILES, hypothesis_settings
from maskgate.engines.replica_examination import ReplicaExamination
from maskgate.engines.scenarios import choose_scenarios
from maskgate.engines.zoo_examination import ZooExamination
from maskgate.strategies import Pair, corners_of, draw_only, spend_signatures
from maskgate.subjects import open_subject
from maskgate.subjects.protocol import Description, Subject, SubjectError
from maskgate.verdicts.deviations import KnownDeviation, load_deviations
from maskgate.verdicts.model import KINDS

SHIPPED = "known_deviations.json"
SEVERAL_BACKENDS = "several_backends"
WHOLE_MODELS = "whole_models"
OWN_ROLES: tuple[Literal["loss", "metric", "layer"], ...] = ("loss", "metric", "layer")


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
    config.stash[_STATE] = _State(config)
    if config.getoption("--events") and not hasattr(config, "workerinput"):
        log = EventLog(Path(config.getoption("--events")))
        config.pluginmanager.register(_EventReporter(config, log), "maskgate-events")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the properties that compare with the formula their own number of examples."""
    profile = PROFILES[config.getoption("--profile")]
    for item in items:
        test = getattr(item, "function", None)
        if not hasattr(test, "hypothesis"):
            continue
        models = item.get_closest_marker(WHOLE_MODELS)
        if models is not None and models.kwargs.get("light"):
            continue  # it asks whole models now and then
        if models is not None:
            item.obj = settings(max_examples=profile.models)(test)  # type: ignore[attr-defined]
        elif item.get_closest_marker("conformance") is not None:
            item.obj = settings(max_examples=profile.conformance)(test)  # type: ignore[attr-defined]


class _State:
    """The session's one subject, opened when the first property asks for it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._subject: Subject | None = None
        self._peers: list[Subject] | None = None
        self.description: Description | None = None
        self.own: OwnLoss | None = None

    def open(self) -> tuple[Subject, Description]:
        if self._subject is None or self.description is None:
            option = self._config.getoption
            subject = open_subject(
                option("--subject"),
                timeout=option("--timeout"),
                backend=option("--backend"),
                device=option("--device"),
                loss=self.loss,
            )
            self._subject = subject
            self.description = subject.describe()
            self._draw_for(subject)
            prove_it_can_fail(examine(subject, self.description, "forced-failure"))
        return self._subject, self.description

    @property
    def loss(self) -> LossSpec | None:
        """A loss, metric or layer of the user's that is checked in place of the built-in ones."""
        option = self._config.getoption
        like = option("--like")
        pattern = None if like is None else LossSpec.parse(like)
        for role in OWN_ROLES:
            if option(f"--{role}") is not None:
                return LossSpec(option(f"--{role}"), like=pattern, role=role)
        return None

    def _draw_for(self, subject: Subject) -> None:
        if self.loss is not None and self.description is not None:
            self.own, self.description = own_of(self.loss, subject, self.description)
            draw_only(self.own.scope)

    def peers(self) -> list[Subject]:
        """Those of the subjects beside this one that are its release on another backend."""
        if self._peers is None:
            self._peers = [
                peer for text in self._config.getoption("--peer") for peer in self._peer(text)
            ]
        return self._peers

    def _peer(self, text: str) -> Iterator[Subject]:
        own = self.description
        option = self._config.getoption
        peer = None
        with contextlib.suppress(SubjectError):  # its own run tells what is wrong with it
            peer = open_subject(
                text, timeout=option("--timeout"), device=option("--device"), loss=self.loss
            )
            other = peer.describe()
            if own is not None and _same_release(own, other) and own.backend != other.backend:
                yield peer
                return
        if peer is not None:
            peer.close()

    def known(self) -> tuple[KnownDeviation, ...]:
        entries = load_deviations(suite_folder() / SHIPPED)
        baseline = self._config.getoption("--baseline")
        entries += load_deviations(Path(baseline)) if baseline else ()
        # What is accepted of an own loss is asked where that loss is checked.
        return tuple(each for each in entries if self.loss is not None or not each.case.loss.own)

    def close(self) -> None:
        draw_only(None)
        for subject in (self._subject, *(self._peers or ())):
            if subject is not None:
                subject.close()


def own_of(
    loss: LossSpec, subject: Subject, description: Description
) -> tuple[OwnLoss, Description]:
    """What is checked of a user's own, and the description with notes on it."""
    if loss.role == "layer":
        return OwnLayer(loss, subject, description), layer_introduced(description, loss)
    return OwnLoss(loss, subject, description), introduced(description, loss)


def _same_release(one: Description, other: Description) -> bool:
    return (one.distribution, one.keras) == (other.distribution, other.keras)


def examine(
    subject: Subject,
    description: Description,
    name: str,
    known: Sequence[KnownDeviation] = (),
    peers: Sequence[Subject] = (),
    own: OwnLoss | None = None,
    *,
    kind: type[Examination] = Examination,
) -> Examination:
    """The examination of a subject by one property, with the deviations listed for its family."""
    semantics = listed(description).semantics
    others = [peer.describe() for peer in peers]

    def about(each: KnownDeviation) -> bool:
        here = each.applies(semantics.family, description)
        if not others or not each.backends:
            return here
        # Where backends are compared, an entry names those that part with the rest: two of them
        # agree.
        return any(each.applies(semantics.family, who) != here for who in others)

    return kind(
        subject=subject,
        description=description,
        semantics=semantics,
        property_name=name,
        known=[each for each in known if each.property == name and about(each)],
        peers=peers,
        own=own,
    )


_STATE = pytest.StashKey[_State]()
_EXAMINATION = pytest.StashKey[Examination]()


@pytest.fixture
def subject(request: pytest.FixtureRequest) -> Examination:
    """The examination of the session's subject by the property that asks."""
    try:
        opened, description = request.config.stash[_STATE].open()
    except SubjectError as problem:
        request.session.shouldstop = f"{problem}"
        request.node.user_properties.append(
            ("maskgate-subject-failed", json.dumps([problem.asked, problem.found, problem.hint]))
        )
        pytest.fail(str(problem), pytrace=False)
    name = public_name(request.function.__name__)
    state, known = request.config.stash[_STATE], request.config.stash[_STATE].known()
    peers: Sequence[Subject] = ()
    if request.node.get_closest_marker(SEVERAL_BACKENDS) is not None:
        peers = state.peers()
        # With nothing to compare with there is nothing to replay either.
        known = known if peers else ()
    models = request.node.get_closest_marker(WHOLE_MODELS)
    # The words that a property of models is written in, where they are not those of most.
    kind = Examination if models is None else models.kwargs.get("examination", ModelExamination)
    examination = examine(opened, description, name, known, peers, state.own, kind=kind)
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
    profile = PROFILES[pyfuncitem.config.getoption("--profile")]

    def run(pair: Pair) -> None:
        inner(subject=examination, pair=pair)

    replayed = replay_known(examination, run)
    try:
        _run_drawn(pyfuncitem, examination)
        # Only where the drawn examples hold: what they find, they shrink.
        corners = corners_for(examination.own, corners_of(pyfuncitem.function))
        if isinstance(examination, ModelExamination):
            corners = examination.some_of(corners, profile.stacks)
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
    state = config.stash.get(_STATE, None)
    if state is not None:
        state.close()


def _kind(item: pytest.Item) -> Any:
    return next(kind for kind in KINDS if item.get_closest_marker(kind) is not None)


class _EventReporter:
    """In the process that collects (xdist's controller, or the only one): reports to events."""

    def __init__(self, config: pytest.Config, log: EventLog) -> None:
        self._log = log
        self._subject = config.getoption("--subject")
        self._described = False

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        name = public_name(nodeid.rpartition("::")[2])
        self._log.emit("property-started", subject=self._subject, property=name)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        said = dict(report.user_properties)
        if "maskgate-subject-failed" in said and report.when == "setup":
            asked, found, hint = json.loads(str(said["maskgate-subject-failed"]))
            self._log.emit(
                "subject-failed", subject=self._subject, asked=asked, found=found, hint=hint
            )
        if "maskgate" in said and report.when == "call":
            outcome = json.loads(str(said["maskgate"]))
            if not self._described:
                self._described = True
                self._log.emit("subject", subject=outcome["subject"])
            for each in outcome["findings"]:
                self._log.emit("finding", finding=each)
            self._log.emit("result", result=outcome["result"])
