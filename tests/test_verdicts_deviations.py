"""The list of known deviations: written, read back, and refused where it is damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_subject import case

from maskgate.verdicts.deviations import KnownDeviation, load_deviations, save_deviations
from maskgate.verdicts.model import Identity


def entry(**changes: Any) -> KnownDeviation:
    fields: dict[str, Any] = {
        "id": "nan-labels",
        "property": "labels-under-mask-nonfinite",
        "families": ("valid-epsilon", "valid-where"),
        "stage": "formula",
        "shape_class": "plain",
        "sentence": "a NaN label under the mask makes the loss NaN",
        "link": "https://github.com/keras-team/keras/issues/18829",
        "case": case(),
        "altered": case().with_(y_true=np.array([[[0.0], [0.0], [np.nan]]])),
        "details": {"row": 1},
        "modes": ("graph", "xla"),
    }
    return KnownDeviation(**{**fields, **changes})


def same(one: KnownDeviation, other: KnownDeviation) -> bool:
    assert one.altered is not None
    assert other.altered is not None
    plain = [replace(each, case=case(), altered=None) for each in (one, other)]
    return (
        vars(plain[0]) | {"case": 0} == vars(plain[1]) | {"case": 0}
        and one.case.identical(other.case)
        and one.altered.identical(other.altered)
    )


def written(folder: Path, *entries: KnownDeviation) -> Path:
    path = folder / "deviations.json"
    save_deviations(path, entries)
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    (back,) = load_deviations(written(tmp_path, entry()))
    assert same(back, entry())


def test_an_entry_may_lack_what_is_optional(tmp_path: Path) -> None:
    path = written(tmp_path, entry(altered=None, link=None, details={}, modes=()))
    data = json.loads(path.read_text())
    for key in ("altered", "link", "details", "modes"):
        del data["deviations"][0][key]
    path.write_text(json.dumps(data))
    (back,) = load_deviations(path)
    assert (back.altered, back.link, back.details, back.modes) == (None, None, {}, ())


def test_the_file_is_the_same_whatever_the_order_and_leaves_no_draft(tmp_path: Path) -> None:
    one, two = entry(id="a"), entry(id="b")
    first = written(tmp_path, one, two).read_bytes()
    assert written(tmp_path, two, one).read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["deviations.json"]


def test_a_failing_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = written(tmp_path, entry())
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save_deviations(path, [entry(details={"row": object()})])
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"property": "labels-under-mask"},
        {"family": "valid-no-nan"},
        {"stage": "mask"},
        {"shape_class": "empty-batch"},
    ],
)
def test_an_entry_matches_its_own_identity_alone(changes: dict[str, str]) -> None:
    own = Identity("labels-under-mask-nonfinite", "valid-where", "formula", "plain")
    assert entry().matches(own)
    assert entry().matches(replace(own, family="valid-epsilon"))
    assert not entry().matches(replace(own, **changes))


def damaged(folder: Path, **changes: Any) -> Path:
    path = written(folder, entry())
    data = json.loads(path.read_text())
    data["deviations"][0].update(changes)
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ('{"schema": 1, "deviations": [', "Expecting value"),
        ("[]", "it is no list of deviations of schema 1"),
        ('{"schema": 2, "deviations": []}', "it is no list of deviations of schema 1"),
        ('{"schema": 1}', "deviations"),
        ('{"schema": 1, "deviations": {"id": 1}}', ""),
        ('{"schema": 1, "deviations": [3]}', ""),
        ('{"schema": 1, "deviations": [{"id": "x"}]}', "entry 'x' has no 'property'"),
    ],
)
def test_a_file_that_is_no_list_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"list\.json: ") as raised:
        load_deviations(path)
    assert said in str(raised.value)


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"list\.json: "):
        load_deviations(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"case": None},
        {"case": {}},
        {"altered": {"dtype": "float32"}},
        {"families": None},
        {"families": "valid-where"},
        {"families": [1]},
        {"stage": 3},
        {"shape_class": None},
        {"property": []},
        {"id": 7},
        {"details": 3},
        {"details": [["row"]]},
        {"modes": "graph"},
        {"modes": ["compiled"]},
        {"sentence": None},
        {"link": 5},
    ],
    ids=str,
)
def test_an_entry_with_a_damaged_field_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    """An entry that is read but matches nothing would let its deviation pass for a new one."""
    with pytest.raises(ValueError, match=r"deviations\.json: "):
        load_deviations(damaged(tmp_path, **changes))


def test_a_damaged_field_is_named_with_its_entry(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="entry 'nan-labels' has modes 'graph', which must be"):
        load_deviations(damaged(tmp_path, modes="graph"))


def test_two_entries_of_one_id_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, entry(id="one"))
    data = json.loads(path.read_text())
    data["deviations"] *= 2
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match="id 'one' stands for two entries"):
        load_deviations(path)
