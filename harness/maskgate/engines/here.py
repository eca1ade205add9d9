"""The property suite in this process, on a user's own loss: what a test suite of theirs calls.

`engines/check.py` runs the same properties in a process of their own, with pytest as the runner.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Literal

import pytest
from hypothesis import seed, settings

from maskgate.case import LossSpec
from maskgate.engines.catalogue import PropertyInfo, selected, suite_folder
from maskgate.engines.examination import Examination
from maskgate.engines.examining import SHIPPED, examine, own_of
from maskgate.engines.forced_failure import prove_it_can_fail
from maskgate.engines.model_examination import ModelExamination
from maskgate.engines.outcome import Outcome, conclude, replay_known, try_corners
from maskgate.engines.own_loss import OwnLoss, corners_for
from maskgate.engines.plugin import WHOLE_MODELS
from maskgate.engines.profiles import DEFAULT_SEED, PROFILES, Profile, hypothesis_settings
from maskgate.strategies import Pair, Scope, corners_of, draw_only, spend_signatures
from maskgate.subjects import InProcess, load_adapter
from maskgate.subjects.opening import settings_of
from maskgate.subjects.protocol import Description
from maskgate.verdicts.deviations import load_deviations


def check_here(
    loss: Any,
    *,
    role: Literal["loss", "metric", "layer"] = "loss",
    like: str | None = None,
    select: Sequence[str] = (),
    deselect: Sequence[str] = (),
    profile: str = "smoke",
) -> tuple[Outcome, ...]:
    """Run the properties on a loss, with the framework of this process.

    Args:
        loss: a loss class, a loss object, a function of `(y_true, y_pred)` that gives element
            losses, or a function without arguments that makes one of these. Or a metric or a
            layer, likewise.
        role: which of them.
        like: the built-in loss that it computes: `mse`, `bce(from_logits=True)`.
        select: globs of property names; empty for all.
        deselect: globs of property names to leave out.
        profile: `smoke`, `default` or `deep`.

    Raises:
        ValueError: for what is no loss, an unknown built-in loss, property or profile.
        SubjectError: where a forced failure is let through, so that no verdict can be trusted.
    """
    if profile not in PROFILES:
        raise ValueError(f"profile must be one of {', '.join(PROFILES)}; got {profile!r}")
    chosen = selected(select, deselect, layer=role == "layer")
    pattern = None if like is None else LossSpec.parse(like)
    spec = LossSpec(name_of(loss), like=pattern, role=role)
    subject = InProcess(_adapter(loss, {**settings_of(spec), "target": loss}), id="here")
    checked, description = own_of(spec, subject, subject.describe())
    prove_it_can_fail(examine(subject, description, "forced-failure"))
    amount = PROFILES[profile]
    with _drawing(checked.scope, amount):
        return tuple(_run(info, subject, description, checked, amount) for info in chosen)


def name_of(loss: Any) -> str:
    """`pkg.module:NAME` of a class or function, or of the class of an object."""
    named = loss if hasattr(loss, "__qualname__") else type(loss)
    return f"{named.__module__}:{named.__qualname__}"


def _adapter(loss: Any, own: dict[str, Any]) -> Any:
    """The adapter of the framework that the loss is made with, else of the one in use."""
    kind = loss if isinstance(loss, type) else type(loss)
    made_with = {each.__module__.partition(".")[0] for each in kind.__mro__}
    loaded = [name for name in ("tf_keras", "keras") if name in sys.modules]
    api = next((name for name in ("tf_keras", "keras") if name in made_with), None)
    if api is None and len(loaded) == 1:
        api = loaded[0]
    from maskgate.subjects.worker.adapter import UnusableError

    try:
        return load_adapter(api=api, own=own)
    except UnusableError as problem:
        raise ValueError(str(problem)) from problem


@contextmanager
def _drawing(scope: Scope, profile: Profile) -> Iterator[None]:
    """Draw for one loss as long as this lasts."""
    spend_signatures(profile.signatures)
    draw_only(scope)
    try:
        yield
    finally:
        draw_only(None)


def _run(
    info: PropertyInfo,
    subject: InProcess,
    description: Description,
    own: OwnLoss,
    profile: Profile,
) -> Outcome:
    """What one property says."""
    test = getattr(_module(info), info.function)
    corners = corners_for(own, corners_of(test))
    known = load_deviations(suite_folder() / SHIPPED)
    asked = next((m for m in getattr(test, "pytestmark", ()) if m.name == WHOLE_MODELS), None)
    kind = Examination if asked is None else asked.kwargs.get("examination", ModelExamination)
    examination = examine(subject, description, info.name, known, own=own, kind=kind)
    started = time.perf_counter()
    inner: Callable[..., None] = test.hypothesis.inner_test

    def run(pair: Pair) -> None:
        inner(subject=examination, pair=pair)

    replayed = replay_known(examination, run)
    problem: BaseException | None = None
    examples = profile.conformance if info.kind == "conformance" else profile.examples
    tried = settings(hypothesis_settings(profile), max_examples=examples)
    try:
        seed(DEFAULT_SEED)(tried(test))(subject=examination)
        problem = try_corners(corners, run, compiled=4 * profile.signatures)
    except (KeyboardInterrupt, pytest.exit.Exception):
        raise
    except BaseException as raised:  # Hypothesis raises groups, and skips are BaseExceptions
        problem = raised
    return conclude(
        examination,
        kind=info.kind,
        replayed=replayed,
        problem=problem,
        seconds=lambda: time.perf_counter() - started,
    )


def _module(info: PropertyInfo) -> ModuleType:
    """The property's module, imported anew: its tests are given settings of their own."""
    spec = importlib.util.spec_from_file_location(
        f"maskgate_properties.{info.path.stem}", info.path
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with _any_marks():
        spec.loader.exec_module(module)
    return module


@contextmanager
def _any_marks() -> Iterator[None]:
    """The suite's marks are none of those of the project whose tests are running."""
    of_project = pytest.mark
    pytest.mark = pytest.MarkGenerator(_ispytest=True)
    try:
        yield
    finally:
        pytest.mark = of_project
