"""Evidence: a finding names its identity by an id that is the same in every run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from fake_subject import DESCRIPTION, case

from maskgate.case import Case
from maskgate.verdicts.compare import Mismatch
from maskgate.verdicts.deviations import KnownDeviation
from maskgate.verdicts.evidence import finding_id, fixed_finding, known_finding, make_finding
from maskgate.verdicts.model import Finding, Identity, worst_of

IDENTITY = Identity("labels-under-mask", "valid-where", "mask", "plain")
MISMATCH = Mismatch("value", 2.5, 2.75, 0.125)


def found(
    identity: Identity = IDENTITY, mismatch: Mismatch = MISMATCH, mode: str = "eager"
) -> Finding:
    return make_finding(
        "new",
        identity,
        case=case(),
        altered=None,
        details={},
        mode=mode,
        mismatch=mismatch,
        recipe={"relation": "identical"},
        description=DESCRIPTION,
    )


def test_ids_are_those_of_earlier_versions() -> None:
    """Baselines go by them: a change here breaks every user's gate."""
    assert finding_id(IDENTITY) == "labels-under-mask-mask-plain-ccdc9b"


def test_an_id_is_the_same_in_another_process() -> None:
    code = (
        "from maskgate.verdicts.evidence import finding_id\n"
        "from maskgate.verdicts.model import Identity\n"
        f"print(finding_id({IDENTITY!r}))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == finding_id(IDENTITY)


@pytest.mark.parametrize("part", ["property", "family", "stage", "shape_class"])
def test_each_part_of_an_identity_changes_the_id(part: str) -> None:
    assert finding_id(replace(IDENTITY, **{part: "other"})) != finding_id(IDENTITY)


def test_nothing_but_the_identity_changes_the_id() -> None:
    other = found(mismatch=Mismatch("gradient", 0.0, 1.0, 0.0, (0, 1)), mode="xla")
    assert other.id == found().id


def test_an_id_is_fit_for_a_file_name() -> None:
    assert re.fullmatch(r"[a-z0-9-]+", found().id)


def test_a_finding_holds_what_is_needed_to_check_it() -> None:
    finding = found()
    assert (finding.expected, finding.observed, finding.bound) == (2.5, 2.75, 0.125)
    assert Case.from_dict(finding.case or {}).identical(case())
    assert dict(finding.identity) == vars(IDENTITY)
    assert finding.reproducer == {
        "distribution": "keras",
        "version": "3.15.1",
        "backend": "tensorflow",
        "part": "value",
        "index": [],
        "relation": "identical",
    }
    assert finding.title == "labels-under-mask: value 2.75 where 2.5 is right (mask, mse, eager)"


def test_a_title_shows_as_many_digits_as_tell_the_two_numbers_apart() -> None:
    title = found(mismatch=Mismatch("value", 1.0, 1.00000012, 0.0)).title
    assert "value 1.00000012 where 1 is right" in title


def test_numbers_that_json_lacks_are_words() -> None:
    finding = found(mismatch=Mismatch("value", 0.0, float("nan"), float("inf")))
    assert (finding.observed, finding.bound) == ("nan", "inf")


ENTRY = KnownDeviation(
    id="listed",
    property=IDENTITY.property,
    families=(IDENTITY.family,),
    stage=IDENTITY.stage,
    shape_class=IDENTITY.shape_class,
    sentence="labels matter",
    link="https://github.com/keras-team/keras/issues/18829",
    case=case(),
    altered=None,
    modes=("xla",),
)


def test_a_known_finding_is_what_was_seen_under_the_entry_s_name() -> None:
    known = known_finding(ENTRY, found())
    assert (known.id, known.verdict, known.title) == ("listed", "known", "labels matter")
    assert (known.link, known.observed) == (ENTRY.link, 2.75)


def test_a_fixed_finding_says_what_to_do() -> None:
    fixed = fixed_finding(ENTRY, IDENTITY, DESCRIPTION)
    assert (fixed.id, fixed.verdict, fixed.mode) == ("listed", "fixed", "xla")
    assert fixed.message == "take the entry 'listed' off the list of known deviations"


def test_what_fails_a_run_outweighs_what_does_not() -> None:
    assert worst_of(["holds", "known", "new", "error"]) == "error"
    assert worst_of(["holds", "known", "fixed"]) == "fixed"
    assert worst_of(["known", "holds", "skipped"]) == "known"
    assert worst_of(["skipped", "holds"]) == "holds"
    assert worst_of([]) == "skipped"
