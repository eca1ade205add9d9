"""`maskgate identify`: the battery tells apart what can be told apart, and the answer is right."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formula_subject import Formula, crashing, keras, seed
from oracle_cases import DTYPES, MASKS, WEIGHTS, random_case

from maskgate import environments
from maskgate.case import REDUCTIONS, Case, LossSpec
from maskgate.cli.app import run
from maskgate.engines.identify import Identification, candidates, identify, run_identify
from maskgate.engines.identify_battery import battery
from maskgate.oracle import FAMILIES, Semantics, ledger
from maskgate.subjects import open_subject
from maskgate.subjects.protocol import Answer, Refusal, Value
from maskgate.verdicts.history import told_apart

POOL = 150


def pool() -> list[Case]:
    """Cases of every kind at random; most of squared errors, which say most about a family."""
    rng = np.random.default_rng(0)
    losses = [LossSpec("mse")] * 4 + [
        LossSpec("cosine"),
        LossSpec("bce"),
        LossSpec.of("sparse_cce", ignore_class=1),
        LossSpec.of("cce", label_smoothing=0.1),
    ]
    return [
        random_case(
            rng,
            losses[number % len(losses)],
            reduction=str(rng.choice(REDUCTIONS)),
            dtype=str(rng.choice(DTYPES)),
            mask=str(rng.choice(MASKS)),
            weight=str(rng.choice(WEIGHTS)),
            shape=(3, 3, 2) if number % 2 else (2, 3, 2),
        )
        for number in range(POOL)
    ]


def untold(pairs: Sequence[tuple[Any, Any]], cases: Sequence[Case]) -> list[tuple[Any, Any]]:
    """The pairs that no case tells apart."""
    left = list(pairs)
    for case in cases:
        left = [pair for pair in left if not told_apart(case, *pair)]
    return left


@pytest.mark.slow
def test_the_battery_tells_apart_every_pair_that_a_large_pool_does() -> None:
    left = untold(list(combinations(candidates(), 2)), battery())
    assert len(left) < len(candidates()) ** 2 / 20
    missed = [pair for case in pool() for pair in left if told_apart(case, *pair)]
    assert not missed


def test_the_battery_is_small() -> None:
    assert len(battery()) < 60
    assert all(case.y_pred.size <= 12 for case in battery())


def test_candidates_are_the_releases_and_more() -> None:
    listed = {
        (semantics.family, semantics.generation)
        for distribution in ("keras", "tf_keras")
        for version in ledger.versions(distribution)
        for semantics in [ledger.lookup(distribution, version).semantics]
    }
    assert listed <= {(each.family, each.generation) for each in candidates()}


@pytest.mark.parametrize(
    ("subject", "family", "release"),
    [
        (keras("2.2.4"), "objective", "keras 2.2.4"),
        (keras("2.2.5"), "objective-epsilon", "keras 2.2.5"),
        (seed("without-epsilon"), "objective", "keras 2.2.4"),
        (seed("with-epsilon"), "objective-epsilon", "keras 2.2.5"),
        (keras("2.3.1"), "all-elements", "keras 2.3.1"),
        (keras("2.6.0"), "all-elements", "keras 2.6.0"),
        (keras("2.10.0"), "all-elements", "keras 2.10.0"),
        (keras("2.15.0"), "valid-twice", "tf_keras 2.21.0"),
        (keras("3.0.0"), "valid-epsilon", "keras 3.0.0"),
        (keras("3.12.4"), "valid-epsilon", "keras 3.12.4"),
        (keras("3.14.1"), "valid-no-nan", "keras 3.14.1"),
        (keras("3.15.1"), "valid-where", "keras 3.15.1"),
    ],
    ids=lambda value: getattr(value, "id", None),
)
def test_a_release_is_identified_whatever_version_it_names(
    subject: Formula, family: str, release: str
) -> None:
    semantics = subject._listed()
    found = identify(Formula("nameless", version="9.9.9", semantics=semantics))
    assert [fit.family for fit in found.fitting] == [family]
    assert found.exit_status == 0
    assert release in found.fits[0].releases
    assert found.fits[0].unlike == ()


def test_a_mask_lost_with_the_gradient_leaves_the_losses_to_tell() -> None:
    """Keras 3.4 on JAX: all families that differ in the mask alone have the same gradients."""
    found = identify(keras("3.4.1", backend="jax"))
    assert [fit.family for fit in found.fitting] == ["valid-epsilon"]
    assert found.exit_status == 0


def with_a_large_epsilon() -> Formula:
    return keras("3.12.4", semantics=Semantics("valid-epsilon", epsilon=1e-3))


def test_what_fits_no_family_is_shown_by_the_smallest_case() -> None:
    found = identify(with_a_large_epsilon())
    assert (found.exit_status, found.fitting) == (1, ())
    assert found.fits[0].wrong <= found.fits[1].wrong
    telling = found.telling
    assert telling is not None
    assert Case.from_dict(telling.case).y_pred.size <= 3
    assert set(telling.expected) == {fit.family for fit in found.fits[:3]}
    assert telling.expected[found.fits[0].family].startswith(("value: expected", "gradient["))


def test_an_element_loss_of_its_own_says_nothing_against_a_family() -> None:
    def twice(case: Case, answer: Answer) -> Answer:
        if case.loss.name != "bce" or not isinstance(answer, Value):
            return answer
        return Value(answer.value * 2, answer.gradient, answer.dtype)

    found = identify(keras("3.15.1", change=twice))
    assert [fit.family for fit in found.fitting] == ["valid-where"]
    assert found.fits[0].unlike == ("bce",)


def test_a_loss_that_a_release_lacks_says_nothing() -> None:
    def lacking(case: Case, answer: Answer) -> Answer:
        return answer if case.loss.name == "mse" else Refusal("NotOfferedError", "no such loss")

    found = identify(keras("2.15.0", change=lacking))
    assert [fit.family for fit in found.fitting] == ["valid-twice"]
    assert found.cases < len(battery())


def test_a_refusal_of_everything_is_no_family() -> None:
    found = identify(keras("3.15.1", change=lambda _case, _answer: Refusal("ValueError", "no")))
    assert found.exit_status == 1
    assert found.telling is not None
    assert found.telling.observed == {"refused": "ValueError: no"}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Put a subject in the place of every other."""
    monkeypatch.chdir(tmp_path)

    def put(subject: Formula) -> Formula:
        monkeypatch.setattr("maskgate.engines.identify.open_subject", lambda *_, **__: subject)
        return subject

    return put


def test_a_crash_is_the_subjects_failure(opened: Any) -> None:
    subject = opened(keras("3.15.1", change=crashing))
    found = run_identify("x")
    assert found.exit_status == 3
    assert str(found.failures[0]).startswith("keras-3.15.1: it ended with exit status 3; ")
    assert subject.closed


def test_pretty(opened: Any, capfd: pytest.CaptureFixture[str]) -> None:
    opened(keras("2.15.0"))
    assert run(["identify", "current"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert out.splitlines()[2:5] == [
        "family      valid-twice",
        "generation  keras-2.14.0",
        "releases    keras 2.14.0 to 2.15.0, tf_keras 2.14.1 to 2.21.0",
    ]


def test_pretty_without_a_family(opened: Any, capfd: pytest.CaptureFixture[str]) -> None:
    opened(with_a_large_epsilon())
    assert run(["identify", "current"]) == 1
    out = capfd.readouterr().out
    assert "no family fits" in out
    assert "MeanSquaredError(reduction='sum_over_batch_size')" in out
    assert "observed" in out


def test_markdown_lists_every_family(opened: Any, capfd: pytest.CaptureFixture[str]) -> None:
    opened(keras("3.15.1"))
    assert run(["identify", "current", "--format", "markdown"]) == 0
    out = capfd.readouterr().out
    assert all(f"| `{family}` |" in out for family in FAMILIES)


def test_json_is_one_document(opened: Any, capfd: pytest.CaptureFixture[str]) -> None:
    opened(keras("3.15.1"))
    assert run(["identify", "current", "--format", "json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert (document["kind"], document["family"]) == ("identify", "valid-where")
    assert document["telling"] is None
    opened(with_a_large_epsilon())
    assert run(["identify", "current", "--format", "json"]) == 1
    assert json.loads(capfd.readouterr().out)["telling"]["case"]["reduction"]


def test_wrong_subject_exits_3(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["identify", f"venv:{tmp_path / 'absent'}", "--format", "json"]) == 3
    out, err = capfd.readouterr()
    assert err.startswith("maskgate: venv:")
    assert json.loads(out)["failures"][0]["asked"].startswith("venv:")


def test_nothing_is_said_of_a_subject_that_did_not_start() -> None:
    assert Identification().fitting == ()


@pytest.mark.releases
@pytest.mark.parametrize("name", environments.names())
def test_every_named_release_is_identified_from_its_behaviour(name: str) -> None:
    with open_subject(name) as subject:
        who = subject.describe()
        said = identify(subject)
    listed = ledger.lookup(who.distribution, who.keras)
    assert listed.exact
    assert [fit.family for fit in said.fits if fit.wrong == 0] == [listed.semantics.family]


def test_a_named_release_stands_on_either_side_of_each_switch() -> None:
    """So that the test above measures each of them."""
    releases = {name.split("-")[1] for name in environments.names() if name.startswith("keras-")}
    inside_tensorflow = {"2.12.0", "2.13.1", "2.14.0", "2.15.0"}
    families = {
        ledger.lookup("keras", version).semantics.family for version in releases | inside_tensorflow
    }
    for switch in ledger.switches():
        assert {switch.before, switch.after} <= families, switch
