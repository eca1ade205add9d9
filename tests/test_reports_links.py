"""Where the user finds what a report points to, and a table that fits the terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from sample_run import SUBJECT, known_finding, result, write_run

from maskgate.engines.catalogue import properties, suite_folder
from maskgate.reports import collect, links, repro_script, show_report, to_markdown
from maskgate.reports.junit import junit_text
from maskgate.reports.report import json_text
from maskgate.verdicts.deviations import load_deviations

NAME = "float16-sum-overflows"
LINK = f"reports/findings/{NAME}"
ROOT = Path(__file__).resolve().parents[1]


def test_a_finding_in_a_checkout_is_relative_below_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    assert links.followed(LINK) == LINK
    monkeypatch.chdir(ROOT / "reports")
    assert links.followed(LINK) == f"findings/{NAME}"
    monkeypatch.chdir(tmp_path)
    assert links.followed(LINK) == str(ROOT / LINK)


def test_a_finding_of_an_installed_package_lies_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "lib" / "maskgate"
    (package / "findings" / NAME).mkdir(parents=True)
    monkeypatch.setattr(links, "_PACKAGE", package)
    assert links.followed(LINK) == str(package / "findings" / NAME)
    assert links.address(LINK) == (package / "findings" / NAME).as_uri()


@pytest.mark.parametrize(
    "link", ["https://github.com/keras-team/keras/issues/18829", "reports/findings/no-such-one"]
)
def test_what_is_no_finding_of_ours_stays_as_it_is(link: str) -> None:
    assert links.followed(link) == link
    assert links.address(link) == link


def test_without_findings_a_link_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(links, "_PACKAGE", tmp_path / "a" / "b")
    assert links.findings_folder() is None
    assert links.followed(LINK) == LINK


def test_every_listed_finding_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    listed = {each.link for each in load_deviations(suite_folder() / "known_deviations.json")}
    ours = [link for link in listed if link and links.is_finding(link)]
    assert ours
    for link in ours:
        assert (Path(links.followed(link)) / "repro.py").is_file()


def test_reports_for_people_name_the_folder_and_json_the_link(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    one = replace(known_finding(), link=LINK)
    known = result("low-precision", "known", findings=(one.id,))
    write_run(tmp_path / "log", [known], [one], exit_status=0)
    report = collect(tmp_path / "log")
    assert f"  {ROOT / LINK}\n" in shown(report, 100)
    assert f" `{ROOT / LINK}`\n" in to_markdown(report)
    assert f'"{LINK}"' in json_text(report)


def shown(report: object, width: int) -> str:
    file = io.StringIO()
    show_report(report, Console(file=file, width=width, no_color=True, markup=False))  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_has_one_line_a_property(width: int, tmp_path: Path) -> None:
    """With every property of the suite, the longest verdict and a long reason."""
    one = known_finding()
    reason = "there is no second backend among the subjects of this run, so there is nothing to say"
    results = [
        result(info.name, "known", kind=info.kind, findings=(one.id,), worst=0.31, examples=12345)
        for info in properties()
        if info.name != "backends"
    ]
    results += [result("backends", "skipped", kind="agreement", modes={}, reason=reason)]
    write_run(tmp_path / "log", results, [one], exit_status=0)
    blocks = shown(collect(tmp_path / "log"), width).split("\n\n")
    (place,) = (i for i, block in enumerate(blocks) if block.split()[0] == "property")
    table, *rest = blocks[place:]
    lines = table.splitlines()
    assert lines[0].split() == ["property", "eager", "graph", "xla", "examples", "worst", "note"]
    assert len(lines) == 1 + 3 + len(results)
    assert max(map(len, (line.rstrip() for line in lines))) <= width
    said = [line.split() for line in lines[1:] if len(line.split()) > 1]
    assert sorted(words[:2] for words in said) == sorted([r.property, r.verdict] for r in results)
    below = " ".join(rest[0].split())
    assert reason in below
    assert f"[{2 if width == 80 else 1}] {reason}" in below
    assert ("keras #18829" in table) == (width == 120)


def test_a_text_that_leaves_this_machine_names_a_finding_without_a_path() -> None:
    thread = known_finding().link
    assert links.in_words(LINK) == f"maskgate describes it in its finding {NAME}."
    assert links.in_words(thread) == thread
    assert links.in_words(None) == ""
    script = repro_script(replace(known_finding(), link=LINK), SUBJECT)
    assert script is not None
    assert LINK not in script
    assert f"finding {NAME}." in script


def test_the_junit_file_leads_to_the_finding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    events = tmp_path / "events.jsonl"
    known = replace(known_finding(), link=LINK)
    outcome = result("labels-under-mask-nonfinite", "known", findings=(known.id,))
    write_run(events, [outcome], [known], exit_status=0)
    assert str(ROOT / LINK) in junit_text(collect(events))
