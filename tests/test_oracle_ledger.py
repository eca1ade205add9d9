"""Which release follows which family."""

from __future__ import annotations

import pytest

from maskgate.case import Case, LossSpec
from maskgate.oracle import FAMILIES, GENERATIONS, Expected, Semantics, expect, ledger


@pytest.mark.parametrize(
    ("distribution", "version", "family"),
    [
        ("keras", "0.3.3", "objective"),
        ("keras", "2.2.4", "objective"),
        ("keras", "2.2.5", "objective-epsilon"),
        ("keras", "2.3.1", "all-elements"),
        ("keras", "2.10.0", "all-elements"),
        ("keras", "2.11.0", "valid-twice"),
        ("keras", "2.15.0", "valid-twice"),
        ("tf_keras", "2.21.0", "valid-twice"),
        ("keras", "3.0.0", "valid-epsilon"),
        ("keras", "3.12.4", "valid-epsilon"),
        ("keras", "3.13.0", "valid-no-nan"),
        ("keras", "3.15.1", "valid-where"),
        ("seed", "with-epsilon", "objective-epsilon"),
        ("seed", "without-epsilon", "objective"),
    ],
)
def test_listed_releases(distribution: str, version: str, family: str) -> None:
    entry = ledger.lookup(distribution, version)
    assert (entry.semantics.family, entry.exact, entry.nearest) == (family, True, version)


@pytest.mark.parametrize(
    ("distribution", "version", "nearest"),
    [
        ("keras", "3.16.0", "3.15.1"),
        ("keras", "2.5.0", "2.4.3"),
        ("keras", "2.3.0-tf", "2.4.3"),
        ("keras", "3.9.7", "3.9.2"),
        ("keras", "0.1.0", "0.3.3"),
        ("tf_keras", "2.22.0.dev", "2.21.0"),
        ("seed", "epsilon-on-count", "with-epsilon"),
    ],
)
def test_others_are_taken_for_the_one_before(distribution: str, version: str, nearest: str) -> None:
    entry = ledger.lookup(distribution, version)
    assert (entry.exact, entry.nearest) == (False, nearest)
    assert version in entry.note


def test_an_unknown_distribution_is_named() -> None:
    with pytest.raises(ValueError, match="got 'kears'"):
        ledger.lookup("kears", "3.0.0")


def test_the_element_losses_under_the_seed_can_be_those_of_another_release() -> None:
    entry = ledger.lookup("seed", "with-epsilon", elements=("tf_keras", "2.21.0"))
    assert entry.semantics.element_rules is GENERATIONS["keras-2.14.0"]
    assert entry.semantics.rules is GENERATIONS["objective"]


def test_every_listed_release_answers() -> None:
    case = Case(LossSpec.of("mse"), "sum_over_batch_size", "float32", [[0.0]], [[2.0]])
    for distribution in ledger.DISTRIBUTIONS:
        for version in ledger.versions(distribution):
            expected = expect(case, ledger.lookup(distribution, version).semantics)
            assert isinstance(expected, Expected)
            assert expected.value.value == 4.0


def test_switches_tell_where_the_family_changes() -> None:
    listed = ledger.versions("keras")
    families = [ledger.lookup("keras", version).semantics.family for version in listed]
    changes = [
        (listed[i], families[i - 1], families[i])
        for i in range(1, len(listed))
        if families[i] != families[i - 1]
    ]
    assert changes == [(s.version, s.before, s.after) for s in ledger.switches()]
    assert {s.before for s in ledger.switches()} | {s.after for s in ledger.switches()} == set(
        FAMILIES
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"family": "valid"}, "got 'valid'"),
        ({"family": "objective", "generation": "keras-9"}, "got 'keras-9'"),
        ({"family": "objective", "elements": "keras-9"}, "got 'keras-9'"),
        ({"family": "objective", "path": "fit"}, "got 'fit'"),
    ],
)
def test_semantics_name_what_is_wrong(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Semantics(**arguments)  # type: ignore[arg-type]
