"""What each layer makes of a mask: asked of the framework, and held against the list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from fake_subject import DESCRIPTION
from faults import keras_3_15_layers
from faults.planting import Fault, plant
from test_planted_faults import check, installed, judge

from maskgate import environments
from maskgate.engines import layer_masks
from maskgate.engines.inquiry import Deviation
from maskgate.engines.layer_masks import Listed, read, shipped, write
from maskgate.engines.listing import listed
from maskgate.engines.outcome import CornersDeviate
from maskgate.engines.zoo_examination import NOT_ASKED, ZooExamination, kebab
from maskgate.strategies import masked_sequences
from maskgate.subjects import open_subject
from maskgate.subjects.protocol import Done, ModelSubject, Refusal, Subject, Task

SOME = ("Dense", "Flatten", "GlobalAveragePooling1D", "MultiHeadAttention", "Dot", "Embedding")


@pytest.fixture(scope="module")
def subject() -> Iterator[Subject]:
    opened = open_subject("current")
    yield opened
    opened.close()


def examined(subject: Any, name: str = "layer-mask") -> ZooExamination:
    who = subject.describe()
    return ZooExamination(
        subject=subject, description=who, semantics=listed(who).semantics, property_name=name
    )


class Told:
    """A subject whose layers are said to do something else."""

    def __init__(self, subject: Subject, **changes: str | None) -> None:
        self._subject, self._changes = cast(ModelSubject, subject), changes
        self.describe = subject.describe

    def perform(self, task: Task, *, timeout: float | None = None) -> Any:
        names = [*SOME, *(n for n, what in self._changes.items() if what and n not in SOME)]
        if task.name == "zoo.exported":
            gone = [name for name, what in self._changes.items() if what is None]
            known = shipped().layers(self.describe())
            return Done({"layers": sorted({*known, *names} - set(gone))}, {}, 0.0)
        asked = [name for name in task.parameters["layers"] if name in SOME]
        done: Any = Done({"layers": {}}, {}, 0.0)
        if asked:  # none would stand for all
            changed = replace(task, parameters={"layers": asked})
            done = self._subject.perform(changed, timeout=timeout)
        assert isinstance(done, Done)
        layers = dict(done.data["layers"])
        for name, what in self._changes.items():
            if what is not None and name in task.parameters["layers"]:
                layers[name] = {"mask": what, "call": f"{name}()", "given": "", "said": ""}
        return replace(done, data={"layers": layers})


def test_a_layer_says_what_becomes_of_its_mask(subject: Subject) -> None:
    done = cast(ModelSubject, subject).perform(Task("zoo.masks", {"layers": list(SOME)}, {}))
    assert isinstance(done, Done)
    said = {name: each["mask"] for name, each in done.data["layers"].items()}
    assert said == {
        "Dense": "kept",
        "Flatten": "dropped with a warning",
        "GlobalAveragePooling1D": "used up",
        "MultiHeadAttention": "kept, and taken off the input",
        "Dot": "dropped silently",
        "Embedding": "made",
    }
    assert "destroy the mask" in done.data["layers"]["Flatten"]["said"]


def test_a_layer_that_does_not_exist_is_refused(subject: Subject) -> None:
    done = cast(ModelSubject, subject).perform(Task("zoo.masks", {"layers": ["Dens"]}, {}))
    assert isinstance(done, Refusal)
    assert "Dens" in done.message


def test_what_is_listed_holds(subject: Subject) -> None:
    told = Told(subject)
    asked = examined(told)
    asked.emits_what_is_listed(masked_sequences())
    assert asked.tally.examples == len(SOME)


def test_two_properties_judge_the_same_answers(subject: Subject) -> None:
    class Counting(Told):
        calls = 0

        def perform(self, task: Task, *, timeout: float | None = None) -> Any:
            self.calls += task.name == "zoo.masks"
            return super().perform(task, timeout=timeout)

    told = Counting(subject)
    examined(told).emits_what_is_listed(masked_sequences())
    first = told.calls
    loud = examined(told, "mask-loss-is-loud")
    with pytest.raises(CornersDeviate):
        loud.loses_no_mask_silently(masked_sequences())
    assert told.calls == first > 0
    assert loud.tally.examples == len(SOME)
    assert loud.tally.asked == {"eager": 1}


@pytest.mark.parametrize(
    ("why", "holds"),
    [("ImportError: This requires the scipy module", True), ("ValueError: no such shape", False)],
)
def test_a_layer_that_lacks_a_package_is_no_deviation(
    subject: Subject, why: str, holds: bool
) -> None:
    class Lacking(Told):
        def perform(self, task: Task, *, timeout: float | None = None) -> Any:
            done = super().perform(task, timeout=timeout)
            if "Dense" in done.data["layers"] and task.name == "zoo.masks":
                said = {"mask": "not asked", "call": "Dense()", "given": "", "said": why}
                done = replace(done, data={"layers": {**done.data["layers"], "Dense": said}})
            return done

    asked = examined(Lacking(subject))
    if holds:
        asked.emits_what_is_listed(masked_sequences())
        return
    with pytest.raises(Deviation):
        asked.emits_what_is_listed(masked_sequences())


@pytest.mark.parametrize(
    ("layer", "what", "words"),
    [
        ("Dense", "dropped silently", "dropped silently, where kept is right"),
        ("Flatten", "dropped silently", "where dropped with a warning is right"),
        ("Brandnew", "kept", "kept, and nothing is listed for it in this release"),
        ("Dense", None, "the framework exports none, where a layer is right"),
    ],
)
def test_a_layer_that_changed_or_is_new_or_gone_is_named(
    subject: Subject, layer: str, what: str | None, words: str
) -> None:
    asked = examined(Told(subject, **{layer: what}))
    with pytest.raises(Deviation) as raised:
        asked.emits_what_is_listed(masked_sequences())
    found = raised.value.finding
    assert (found.identity["shape_class"], found.details["layer"]) == (kebab(layer), layer)
    assert found.title.endswith(words)


def test_every_silent_layer_is_a_deviation_and_a_new_one_is_one_of_its_own(
    subject: Subject,
) -> None:
    asked = examined(Told(subject, Dense="dropped silently"), "mask-loss-is-loud")
    with pytest.raises(CornersDeviate) as raised:
        asked.loses_no_mask_silently(masked_sequences())
    kinds = {each.finding.identity["shape_class"] for each in raised.value.exceptions}
    assert kinds == {"dense", "listed-layer", "layer-that-takes-it-off"}


def test_a_quick_run_leaves_out_what_is_listed_to_lose_the_mask(subject: Subject) -> None:
    asked = examined(Told(subject))
    asked.brief = True
    asked.emits_what_is_listed(masked_sequences())
    assert asked.tally.examples == len(SOME) - 2  # all but Flatten and Dot


def test_a_list_says_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    before = read(layer_masks.suite_folder() / layer_masks.SHIPPED)
    write(tmp_path / "list.json", before)
    assert read(tmp_path / "list.json") == before
    assert (tmp_path / "list.json").read_bytes() == (
        layer_masks.suite_folder() / layer_masks.SHIPPED
    ).read_bytes()


def test_a_release_that_is_not_listed_is_taken_for_the_nearest_older_one(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    releases: layer_masks.Releases = {"3.1.0": {"Dense": "kept", "Dot": "kept"}, "3.9.0": {}}
    write(path, {"keras on tensorflow": releases})  # type: ignore[dict-item]
    who = open_description()
    layers = {v: Listed(path).layers(replace(who, keras=v)) for v in ("2.0.0", "3.8.9", "3.10.0")}
    assert [set(each) for each in layers.values()] == [{"Dense", "Dot"}, {"Dense", "Dot"}, set()]
    assert Listed(path).layers(replace(who, backend="jax")) == {}
    assert Listed(path).layers(replace(who, keras="with-epsilon")) == {}


def open_description() -> Any:
    return replace(DESCRIPTION, distribution="keras", backend="tensorflow")


@pytest.mark.parametrize("content", ["", "[]", '{"lines": 3}', '{"lines": {"a": {}}}'])
def test_a_damaged_list_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"list\.json: it is no list of layers"):
        read(path)


def test_the_list_covers_every_named_environment() -> None:
    data = json.loads((layer_masks.suite_folder() / layer_masks.SHIPPED).read_text())
    listed_there = sum(len(line["releases"]) for line in data["lines"].values())
    assert listed_there == len(environments.names())


def test_layers_of_the_path_of_the_question_keep_its_mask_in_every_release() -> None:
    for line in read(layer_masks.suite_folder() / layer_masks.SHIPPED).values():
        for release, layers in line.items():
            kept = {name: layers[name] for name in ("Masking", "LSTM", "Dropout", "Dense")}
            assert set(kept.values()) == {"kept"}, release
            # Given floats, some releases take them for class ids.
            assert layers["Embedding"] in ("made", "changed", NOT_ASKED), release


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name, marks=[pytest.mark.slow] if number else [])
        for number, fault in enumerate(keras_3_15_layers.FAULTS)
    ],
)
def test_a_fault_in_a_layer_is_killed(fault: Fault, tmp_path: Path) -> None:
    judge(fault, *check(fault.killed_by, path=plant(fault, installed("keras"), tmp_path)))


@pytest.mark.releases
@pytest.mark.parametrize("name", environments.names())
def test_the_layers_of_every_named_release_are_as_listed(name: str) -> None:
    status, report = check("layer-mask", subject=name)
    assert status == 0, [each["title"] for each in report["findings"]]
