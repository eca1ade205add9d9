"""What people read: the terminal's table and findings, and the same in Markdown."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from sample_run import (
    SUBJECT,
    finding,
    known_finding,
    result,
    small_case,
    write_calm_run,
    write_every_verdict,
    write_run,
)
from snapshot import assert_snapshot

from maskgate.engines.events import read_events
from maskgate.reports import Terminal, collect, show_report, to_markdown, write_folder
from maskgate.reports.batch import batch
from maskgate.reports.terminal import ALL_IN_FULL
from maskgate.reports.wording import brief, note, outcome, short_link


def plain_console(file: io.StringIO, *, terminal: bool = False) -> Console:
    return Console(
        file=file, width=100, no_color=True, force_terminal=terminal, highlight=False, markup=False
    )


def shown(log: Path) -> str:
    file = io.StringIO()
    show_report(collect(log), plain_console(file))
    return file.getvalue()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_pretty_every_verdict(log: Path, tmp_path: Path) -> None:
    write_every_verdict(log)
    report = write_folder(collect(log), tmp_path / "out")
    file = io.StringIO()
    show_report(report, plain_console(file), folder=Path("out"))
    assert_snapshot("pretty_every_verdict.txt", file.getvalue())


def test_pretty_calm_run(log: Path) -> None:
    write_calm_run(log)
    assert_snapshot("pretty_calm.txt", shown(log))


def test_pretty_interrupted_run(log: Path) -> None:
    write_run(
        log, [result("loss-value", "holds")], [], exit_status=None, planned=["loss-value"] * 3
    )
    assert_snapshot("pretty_interrupted.txt", shown(log))


def test_pretty_two_subjects(log: Path) -> None:
    old = {
        **SUBJECT,
        "id": "venv:old",
        "distribution": "tf_keras",
        "keras": "2.21.0",
        "family": "valid-twice",
        "listed": False,
        "checked_as": "2.20.1",
        "notes": ["tf_keras is installed there, so it is asked rather than keras"],
    }
    results = [result("empty-mask", "holds"), result("empty-mask", "known", subject="venv:old")]
    write_run(log, results, [], exit_status=0, subjects=(SUBJECT, old), planned=["empty-mask"])
    assert_snapshot("pretty_two_subjects.txt", shown(log))


def test_markdown_every_verdict(log: Path) -> None:
    write_every_verdict(log)
    assert_snapshot("markdown_every_verdict.md", to_markdown(collect(log)))


def test_markdown_table_survives_odd_text(log: Path) -> None:
    odd = result("empty-mask", "skipped", reason="a | b\n*c* <d>", modes={})
    write_run(log, [odd], [], exit_status=0)
    text = to_markdown(collect(log))
    assert r"a \| b \*c\* \<d\> |" in text


def test_progress_is_quiet_unless_stderr_is_a_terminal(log: Path) -> None:
    write_every_verdict(log)
    for terminal in (False, True):
        file = io.StringIO()
        with Terminal(progress=plain_console(file, terminal=terminal)) as progress:
            for _, event in read_events(log):
                progress.on_event(event)
        said = file.getvalue()
        assert ("7/7" in said) == terminal
        assert ("value 1.25 where 0.25 is right" in said) == terminal
        if not terminal:
            assert said == ""


def test_finding_markup_is_not_read_as_style(log: Path) -> None:
    odd = finding(small_case(), title="value [bold]1[/bold]", recipe={"relation": "finite"})
    write_run(log, [result("labels-under-mask", "new")], [odd], exit_status=1)
    assert "value [bold]1[/bold]" in shown(log)


def test_many_findings_are_told_by_stage(tmp_path: Path) -> None:
    """The first of each stage in full, the others in a line with what makes it again."""
    names = [f"law-{number}" for number in range(ALL_IN_FULL + 1)]
    stages = ["weight" if number == 2 else "mask" for number in range(len(names))]
    found = [
        finding(small_case(), property=name, stage=stage, title=f"{name}: value 1, then 2")
        for name, stage in zip(names, stages, strict=True)
    ]
    results = [result(name, "new") for name in names]
    write_run(tmp_path / "many", results, found, exit_status=1, planned=names)
    said = shown(tmp_path / "many")
    in_full = [name for name in names if f"--select {name}" in said]
    assert in_full == ["law-0", "law-2"]
    assert said.count(": value 1, then 2") == len(names)
    assert f"and {len(names) - 2} more findings of the stage mask:" in said
    write_run(tmp_path / "fewer", results[1:], found[1:], exit_status=1, planned=names[1:])
    said = shown(tmp_path / "fewer")
    assert all(f"--select {name}" in said for name in names[1:])


def test_batch_shows_what_broadcasts_beside_the_table() -> None:
    case = small_case(sample_weight=np.array([2.0]))
    small = batch(case.to_dict(), None)
    assert small.columns == ("step", "labels", "predictions", "mask")
    assert small.beside == ("weights (1,): [2.0]",)


def test_batch_shows_class_ids_and_weights_of_each_step() -> None:
    case = small_case(
        y_true=np.array([[3, 0]]), y_pred=np.full((1, 2, 4), 0.25), sample_weight=np.ones((1, 2))
    )
    small = batch(case.to_dict(), None)
    assert small.rows[0] == ("0,0", "3", "[0.25, 0.25, 0.25, 0.25]", "True", "1.0")


def test_batch_of_many_steps_keeps_the_changed_ones() -> None:
    case = small_case(y_true=np.zeros((1, 500, 1)), y_pred=np.ones((1, 500, 1)), mask=None)
    labels = np.zeros((1, 500, 1))
    labels[0, 400] = 7
    small = batch(case.to_dict(), case.with_(y_true=labels).to_dict())
    assert len(small.rows) == 8
    assert small.left_out == 492
    assert small.rows[-1][:2] == ("0,400", "[0.0] -> [7.0]")


def test_batch_of_another_shape_is_told_line_by_line() -> None:
    case = small_case()
    padded = case.with_(
        y_true=np.zeros((1, 3, 1)),
        y_pred=np.zeros((1, 3, 1)),
        mask=np.array([[True, False, False]]),
    )
    small = batch(case.to_dict(), padded.to_dict())
    assert small.rows == ()
    assert small.beside[2] == "mask (1, 2): [[True, False]] -> (1, 3): [[True, False, False]]"


def test_batch_tells_a_mask_that_comes_in() -> None:
    case = small_case(mask=None)
    small = batch(case.to_dict(), small_case(mask=np.array([[True, True]])).to_dict())
    assert small.beside == ("mask none -> (1, 2): [[True, True]]",)


@pytest.mark.parametrize(
    ("link", "short"),
    [
        ("https://github.com/keras-team/keras/issues/18829", "keras #18829"),
        ("https://github.com/tensorflow/tensorflow/pull/7#discussion", "tensorflow #7"),
        ("https://example.org/a/finding", "example.org/a/finding"),
        ("reports/findings/x", "finding x"),
    ],
)
def test_short_link(link: str, short: str) -> None:
    assert short_link(link) == short


def test_note_counts_further_links(log: Path) -> None:
    one = known_finding()
    two = replace(one, id="other", title="Another one.", link="https://example.org/x")
    known = result("labels-under-mask-nonfinite", "known", findings=(one.id, two.id))
    write_run(log, [known], [one, two], exit_status=0)
    assert note(collect(log), known) == "keras #18829 +1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        ("nan", "nan"),
        (None, "-"),
        (True, "True"),
        ([1.0, [2.0, "inf"]], "[1, [2, inf]]"),
        (list(range(20)), "[0, 1, 2, 3, 4, 5, 6, 7, ... 12 more]"),
        ({"value": 1.5, "gradient": None}, "value 1.5"),
    ],
)
def test_brief(value: object, text: str) -> None:
    assert brief(value) == text


def test_what_was_accepted_is_told_at_the_end(log: Path) -> None:
    write_calm_run(log)
    told = {"path": "accepted.json", "added": 1, "removed": 2}
    report = replace(collect(log), accepted=told)
    assert outcome(report).endswith(" Accepted: 1 deviation written to accepted.json, 2 taken out.")
