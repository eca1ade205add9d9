"""`maskgate trace`, without a framework: where a mask ended, what is answered, what is drawn."""

from __future__ import annotations

import io
import json
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from snapshot import assert_snapshot
from trace_samples import MASK, MODEL, every_state, layer, output, traced

from maskgate.case import Case, LossSpec
from maskgate.engines.trace_answer import answer_of, state_of
from maskgate.engines.trace_family import (
    IGNORED,
    NoFormulaError,
    case_of,
    family_of,
    own_semantics,
    sum_radius,
)
from maskgate.engines.trace_found import MaskSeen, Trace
from maskgate.engines.trace_way import ends_of
from maskgate.oracle import Expected, expect
from maskgate.reports.svg import PALETTE, shortened, width_of
from maskgate.reports.trace_gradient_svg import gradient_svg
from maskgate.reports.trace_lines import End, Line, lanes_of
from maskgate.reports.trace_markdown import trace_to_markdown
from maskgate.reports.trace_mask_svg import mask_svg
from maskgate.reports.trace_report import trace_json_text, trace_schema
from maskgate.reports.trace_terminal import show_trace
from maskgate.reports.trace_wording import way_text
from maskgate.subjects.protocol import Description
from maskgate.subjects.worker.tasks.trace_data import (
    labels_across,
    labels_as_predicted,
    other_labels,
    rebuilt,
)
from maskgate.subjects.worker.tasks.trace_losses import by_output

SVG = "{http://www.w3.org/2000/svg}"


# -- where the mask ended


def test_a_drop_on_the_way_is_found_behind_layers_that_know_of_no_mask() -> None:
    layers = [MODEL, layer(1, "made", -1), layer(2, "dropped silently"), layer(3, "none")]
    assert ends_of(layers, 3) == (2,)


def test_a_drop_on_another_branch_is_not_found() -> None:
    layers = [
        MODEL,
        layer(1, "made", -1),
        layer(2, "dropped silently", 1),
        layer(3, "used", 1),
        layer(4, "none", 3),
    ]
    assert ends_of(layers, 4) == (3,)


def test_of_a_nested_model_the_layer_inside_is_named() -> None:
    layers = [
        MODEL,
        layer(1, "made", -1),
        layer(2, "dropped silently", 1, kind="Model"),
        layer(3, "kept", -1, parent=2),
        layer(4, "dropped with a warning", 3, parent=2),
        layer(5, "none", 4, parent=2),
        layer(6, "none", 2),
    ]
    assert ends_of(layers, 6) == (4,)


def test_what_an_operation_makes_is_searched_from_the_last_layer_on() -> None:
    layers = [MODEL, layer(1, "made", -1), layer(2, "dropped silently"), layer(3, "none")]
    assert ends_of(layers, -2) == (2,)


def test_a_model_that_makes_no_mask_loses_none() -> None:
    assert ends_of([MODEL, layer(1, "none", -1), layer(2, "none")], 2) == ()


# -- the answer

MOVED = {"matters": True, "training_matters": True}
STILL = {"matters": False, "training_matters": False}
SKIPPED = {"skipped": "no step of the batch is masked"}


@pytest.mark.parametrize(
    ("mask", "ways", "labels", "repeats", "state"),
    [
        (MASK, [], STILL, True, "ignored"),
        (MASK, [], MOVED, True, "matter"),
        (MASK, [], {"matters": False, "training_matters": True}, True, "matter"),
        (MASK, [], {"matters": False, "training_matters": None}, True, "ignored"),
        (MASK, [], STILL, False, "unclear"),
        (MASK, [], SKIPPED, True, "unclear"),
        (None, ["dropped silently"], MOVED, True, "matter"),
        (None, ["dropped silently"], SKIPPED, True, "lost"),
        (None, ["dropped with a warning"], STILL, True, "lost"),
        (None, ["lost before"], MOVED, True, "matter"),
        (None, ["used"], SKIPPED, True, "used"),
        (None, [], MOVED, True, "none"),
    ],
)
def test_the_state_of_an_output(
    mask: MaskSeen | None, ways: list[str], labels: Any, repeats: bool, state: str
) -> None:
    assert state_of(mask, MASK, ways, labels, repeats) == state


def test_yes_comes_first_and_exceptions_after() -> None:
    assert answer_of(traced()) == "Yes, labels of masked steps are ignored."
    metric = {"name": "auc", "before": 0.5, "after": 0.25, "matters": True}
    counting = output(labels={**STILL, "before": 0.5, "after": 0.5, "metrics": (metric,)})
    found = traced(counting, all_masked={"loss": "nan", "weights": "nan", "largest_change": "nan"})
    assert found.answer == (
        "Yes, labels of masked steps are ignored, except that auc counts them, and a batch of "
        "nothing but masked steps turns the weights into NaN."
    )


def test_no_names_the_layer_and_the_output() -> None:
    layers = (MODEL, layer(1, "made", -1), layer(2, "dropped silently"))
    lost = output("matter", lost_at=(2,))
    assert traced(lost, layers=layers).answer == (
        "No, labels of masked steps matter: layer_2 (Dense) drops the mask silently before the "
        "loss."
    )
    both = traced(lost, output(name="b"), layers=layers).answer
    assert both.startswith("No, labels of masked steps of a matter: layer_2")
    assert both.endswith("; b ignores them.")


def test_a_mask_that_arrives_and_is_not_applied_is_told_apart() -> None:
    arrived = output("matter", mask=MASK)
    assert "the loss does not apply it" in traced(arrived).answer


def test_no_mask_and_a_mask_that_is_used_up_are_no_deviations() -> None:
    assert traced(output("none")).answer.startswith("Nothing is masked")
    layers = (MODEL, layer(1, "made", -1), layer(2, "used"))
    used = traced(output("used", lost_at=(2,)), layers=layers)
    assert used.answer.startswith("Yes, as far as there are any: layer_2 (Dense) uses the mask up")


# -- what a loss divides by


def described(keras: str, distribution: str = "keras") -> Description:
    return Description("x", distribution, keras, "tensorflow", "2", "3.11", "2")


def small_case() -> Case:
    rng = np.random.default_rng(0)
    return Case(
        loss=LossSpec("mse"),
        reduction="sum_over_batch_size",
        dtype="float32",
        y_true=rng.uniform(size=(2, 3, 2)).astype(np.float32),
        y_pred=rng.uniform(size=(2, 3, 2)).astype(np.float32),
        mask=np.array([[True, True, False], [True, False, False]]),
    )


@pytest.mark.parametrize(
    ("release", "denominator"),
    [
        ("2.2.4", "the valid steps"),
        ("2.2.5", "the valid steps"),
        ("2.3.1", "every step, padding included"),
        ("2.10.0", "every step, padding included"),
        ("2.15.0", "the valid steps"),
        ("3.15.1", "the valid steps"),
    ],
)
def test_the_family_is_told_from_the_gradient_alone(release: str, denominator: str) -> None:
    who, case = described(release), small_case()
    expected = expect(case, own_semantics(who))
    assert isinstance(expected, Expected)
    assert expected.gradient is not None
    seen = family_of(case, expected.gradient.value * 0.5, 0.5, who)
    assert seen.nearest == own_semantics(who).family
    assert seen.denominator == denominator
    assert IGNORED not in seen.fits


def test_a_loss_that_applies_no_mask_is_told() -> None:
    who, case = described("3.15.1"), small_case()
    expected = expect(case.with_(mask=None), own_semantics(who))
    assert isinstance(expected, Expected)
    assert expected.gradient is not None
    seen = family_of(case, expected.gradient.value, 1.0, who)
    assert seen.fits == (IGNORED,)
    assert seen.denominator == "every step"


def test_a_gradient_of_no_family_is_told_with_the_nearest() -> None:
    who, case = described("3.15.1"), small_case()
    expected = expect(case, own_semantics(who))
    assert isinstance(expected, Expected)
    assert expected.gradient is not None
    seen = family_of(case, expected.gradient.value * 1.01, 1.0, who)
    assert seen.fits == ()
    assert seen.nearest == "valid-where"


def loss(name: str, **changes: Any) -> dict[str, Any]:
    facts = {"name": name, "built_in": True, "reduction": "auto", "config": {}, "weight": 1.0}
    return {**facts, **changes}


def test_losses_are_known_by_class_and_by_function() -> None:
    y = np.zeros((2, 3, 4), np.float32)
    for name in ("mean_squared_error", "MeanSquaredError"):
        assert case_of(loss(name), y, y, None).loss == LossSpec("mse")
    sparse = case_of(
        loss("SparseCategoricalCrossentropy", config={"from_logits": True, "other": 1}),
        np.zeros((2, 3, 1)),
        y,
        None,
    )
    assert sparse.y_true.shape == (2, 3)
    assert sparse.loss["from_logits"] is True


@pytest.mark.parametrize(
    "unknown", [loss("my_loss", built_in=False), loss("ctc"), loss("mse", reduction="other")]
)
def test_a_loss_without_a_formula_is_said_to_have_none(unknown: dict[str, Any]) -> None:
    y = np.zeros((2, 3, 4), np.float32)
    with pytest.raises(NoFormulaError):
        case_of(unknown, y, y, None)


def test_the_bound_of_a_sum_holds() -> None:
    values = np.random.default_rng(1).uniform(size=1000).astype(np.float32)
    total = np.float32(0)
    for value in values:
        total += value
    exact = float(values.astype(np.float64).sum()) / len(values)
    off = abs(float(total / np.float32(len(values))) - exact)
    assert 0 < off <= sum_radius(len(values), exact, "float32")


# -- other labels


@given(
    kind=st.sampled_from(["ids", "one-hot", "binary", "real", "bool"]),
    seed=st.integers(0, 1000),
)
def test_other_labels_differ_at_every_masked_step_and_nowhere_else(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.uniform(size=(3, 4)) > 0.5
    labels = {
        "ids": rng.integers(0, 5, (3, 4)).astype(np.int32),
        "one-hot": np.eye(5, dtype=np.float32)[rng.integers(0, 5, (3, 4))],
        "binary": rng.integers(0, 2, (3, 4, 1)).astype(np.float32),
        "real": rng.normal(size=(3, 4, 2)).astype(np.float32),
        "bool": rng.integers(0, 2, (3, 4)).astype(bool),
    }[kind]
    changed = other_labels(labels, mask, 5)
    assert changed.dtype == labels.dtype
    assert np.array_equal(changed[mask], labels[mask])
    differs = (changed != labels).reshape(3, 4, -1).any(axis=2)
    assert np.array_equal(differs, ~mask)
    if kind == "ids":
        assert changed.min() >= 0
        assert changed.max() < 5
    if kind == "one-hot":
        assert (changed.sum(axis=-1) == 1).all()


@given(seed=st.integers(0, 1000))
def test_labels_across_lie_on_the_other_side_of_each_masked_prediction(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.uniform(size=(3, 4)) > 0.5
    labels, predictions = rng.normal(size=(2, 3, 4, 2)).astype(np.float32)
    changed = labels_across(labels, mask, predictions)
    assert np.array_equal(changed[mask], labels[mask])
    before, after = (np.sign(each - predictions)[~mask] for each in (labels, changed))
    assert (before != after).all()
    assert labels_across(labels.astype(int), mask, predictions) is None
    assert labels_across(labels[..., 0], mask, predictions) is None


@given(kind=st.sampled_from(["ids", "column", "one-hot", "bits"]), seed=st.integers(0, 1000))
def test_labels_are_hits_or_misses_at_every_masked_step(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.uniform(size=(3, 4)) > 0.5
    classes = 2 if kind == "bits" else 5
    predictions = rng.uniform(size=(3, 4, classes)).astype(np.float32)
    ids = rng.integers(0, 5, (3, 4)).astype(np.int32)
    labels = {
        "ids": ids,
        "column": ids[..., None],
        "one-hot": np.eye(5, dtype=np.float32)[ids],
        "bits": rng.integers(0, 2, (3, 4, 2)).astype(np.float32),
    }[kind]
    if kind == "bits":
        labels[0, 0] = 1.0  # not one of two classes
    for right in (True, False):
        changed = labels_as_predicted(labels, mask, predictions, right=right)
        assert changed.dtype == labels.dtype
        assert np.array_equal(changed[mask], labels[mask])
        if kind == "bits":
            hits = changed == (predictions > 0.5)
        else:
            of = changed.argmax(-1) if kind == "one-hot" else changed.reshape(3, 4)
            hits = of == predictions.argmax(-1)
        assert (hits[~mask] == right).all()
    assert labels_as_predicted(labels + 0.25, mask, predictions, right=True) is None


def test_structures_are_rebuilt_in_the_order_that_they_are_read_in() -> None:
    assert rebuilt({"b": 0, "a": [0, 0]}, [1, 2, 3]) == {"b": 3, "a": [1, 2]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [("mse", ["mse", "mse"]), (["x", "y"], ["x", "y"]), ({"b": "y"}, [None, "y"])],
)
def test_what_is_given_by_output(value: Any, expected: list[Any]) -> None:
    assert by_output(value, ["a", "b"]) == expected


# -- the reports


def test_the_terminal_shows_every_way() -> None:
    stream = io.StringIO()
    show_trace(every_state(), Console(file=stream, width=120, highlight=False, markup=False))
    assert_snapshot("trace_pretty.txt", stream.getvalue())


def test_a_warning_that_is_wrong_is_told() -> None:
    warned = "It will destroy the mask information."
    assert way_text(layer(1, "kept", warnings=(warned,))) == "kept, despite its warning"
    assert way_text(layer(1, "kept")) == "kept"


def test_markdown_shows_every_way() -> None:
    assert_snapshot("trace_markdown.md", trace_to_markdown(every_state()))


@pytest.mark.parametrize("found", [traced(), every_state(), Trace("x")], ids=["yes", "no", "none"])
def test_the_json_fits_its_schema(found: Trace) -> None:
    document = json.loads(trace_json_text(found))
    jsonschema.Draft202012Validator(trace_schema()).validate(document)
    assert document["exit_status"] == found.exit_status


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(trace_schema())


def test_the_picture_of_the_mask_has_a_box_for_each_layer_and_is_well_formed() -> None:
    found = every_state()
    root = ET.fromstring(mask_svg(found))
    boxes = [each for each in root.iter(f"{SVG}rect") if each.get("rx")]
    assert len(boxes) == len(found.layers) - 1 + len(found.inputs) + len(found.outputs)
    words = [each.text for each in root.iter(f"{SVG}text")]
    assert any("<&>" in (word or "") for word in words)
    green = [each for each in root.iter(f"{SVG}path") if each.get("stroke") == "#1a7f37"]
    assert green


@given(st.text(max_size=12))
def test_any_name_gives_a_picture_that_is_well_formed(name: str) -> None:
    found = traced(layers=(MODEL, layer(1, "made", -1, name=name)), target=name)
    ET.fromstring(mask_svg(found))
    picture = gradient_svg(found)
    assert picture is not None
    ET.fromstring(picture)


def luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_on_every_colour_that_it_stands_on(dark: bool) -> None:
    light = {name: luminance(colours[dark]) + 0.05 for name, colours in PALETTE.items()}
    boxes = ("paper", "made", "kept", "changed", "used", "idle", "lost")
    on = [(text, box) for text in ("ink", "quiet") for box in boxes]
    on += [("masked", "paper"), ("broken", "paper")]
    ratios = {pair: max(light[n] for n in pair) / min(light[n] for n in pair) for pair in on}
    assert min(ratios.values()) >= 4.5, min(ratios, key=lambda pair: ratios[pair])


def test_no_two_lines_of_a_picture_lie_on_one_another() -> None:
    ends = [End(row, 0.0, 44.0 * row, 44.0 * row + 30) for row in range(9)]
    spans = [(0, 1), (0, 2), (1, 3), (2, 4), (0, 8), (4, 8), (3, 4)]
    lanes = lanes_of([Line(ends[first], ends[last], masked=True) for first, last in spans])
    long = [(span, lane) for span, lane in zip(spans, lanes, strict=True) if span[1] - span[0] > 1]
    for n, ((first, last), lane) in enumerate(long):
        for (other_first, other_last), other in long[n + 1 :]:
            assert lane != other or last <= other_first or other_last <= first
    assert lanes[0] == lanes[-1] == 0
    assert max(lanes) == 2


@given(st.text(min_size=1, max_size=60), st.floats(30, 400))
def test_what_is_shortened_fits(words: str, room: float) -> None:
    cut = shortened(words, room)
    assert len(cut) <= 2 or width_of(cut) <= room
    assert cut == words or cut.endswith("…")


def heat_map(found: Trace) -> ET.Element:
    picture = gradient_svg(found)
    assert picture is not None
    return ET.fromstring(picture)


def cells_of(root: ET.Element) -> list[tuple[str | None, float]]:
    """Colour and strength of each cell; those of the scale have no hint."""
    return [
        (each.get("class"), float(each.get("fill-opacity", "nan")))
        for each in root.iter(f"{SVG}rect")
        if each.find(f"{SVG}title") is not None
    ]


def test_the_heat_map_is_white_at_zero_and_red_at_masked_steps_with_a_gradient() -> None:
    root = heat_map(traced())
    cells = cells_of(root)
    assert len(cells) == 6
    assert cells[0] == ("fill-heat stroke-grid", 1.0)
    assert 0.15 < cells[1][1] < 1.0
    assert [cells[2][1], cells[4][1]] == [0.0, 0.0]
    assert cells[5][0] == "fill-broken stroke-grid"
    assert cells[5][1] > 0
    legend, masked_steps = 2, 3
    assert len(list(root.iter(f"{SVG}path"))) == legend + masked_steps


def test_the_heat_map_has_a_scale_and_numbers_at_both_axes() -> None:
    root = heat_map(traced())
    words = [each.text for each in root.iter(f"{SVG}text")]
    assert {"0", "0.25", "time →", "batch ↓", "masked, 0", "masked, not 0"} <= set(words)
    assert [words.count(number) for number in ("1", "2")] == [2, 1]
    assert "not finite" not in words
    nan = np.full((1, 2, 1), np.nan, np.float32)
    root = heat_map(traced(arrays={"gradient_0": nan}))
    assert "not finite" in [each.text for each in root.iter(f"{SVG}text")]
    assert cells_of(root) == [("fill-ink stroke-grid", 1.0)] * 2


def test_a_long_batch_is_cut_and_says_so() -> None:
    root = heat_map(traced(arrays={"gradient_0": np.ones((50, 100, 1))}))
    assert len(cells_of(root)) == 48 * 96
    words = [each.text for each in root.iter(f"{SVG}text")]
    assert f"{50 * 100 - 48 * 96} steps more are not drawn" in words


def test_there_is_no_heat_map_without_time() -> None:
    assert gradient_svg(traced(arrays={"gradient_0": np.zeros((2, 3))})) is None
