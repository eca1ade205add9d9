"""The page of a trace: well-formed, complete, harmless, and readable in a real browser."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trace_samples import MODEL, every_state, layer, output, traced

from maskgate.engines.trace_found import Trace
from maskgate.reports.trace_folder import write_trace_folder
from maskgate.reports.trace_html import trace_to_html
from maskgate.reports.trace_report import trace_json_text
from maskgate.verdicts.difference import Failure

# Elements that HTML ends by itself.
VOID = ("meta", "br", "hr", "img", "link", "input")
HOSTILE = "</style></title><script>alert(1)</script>\"'&<b onload=x>\x00\ud800"


class Parsed(HTMLParser):
    """A page as its elements and texts; an element that is not closed in order is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        """The attributes of the elements of a name that have these."""
        wanted = attributes.items()
        return [has for name, has in self.elements if name == tag and wanted <= has.items()]

    def said(self, tag: str) -> list[str]:
        """The texts that stand in elements of a name."""
        return [text for name, text in self.texts if name == tag]


@pytest.fixture(params=["yes", "no"])
def found(request: pytest.FixtureRequest) -> Trace:
    return traced() if request.param == "yes" else every_state()


def test_the_page_has_a_language_one_title_and_one_heading(found: Trace) -> None:
    text = trace_to_html(found)
    assert text.startswith("<!DOCTYPE html>\n")
    page = Parsed(text)
    assert page.all("html") == [{"lang": "en"}]
    assert page.elements[2] == ("meta", {"charset": "utf-8"})
    assert len(page.all("h1")) == 1
    assert page.said("title")[0] == "maskgate trace: my:model"
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_answer_comes_first_and_is_that_of_the_json(found: Trace) -> None:
    page = Parsed(trace_to_html(found))
    (answer,) = (n for n, (_, has) in enumerate(page.elements) if "answer" in str(has.get("class")))
    assert [tag for tag, _ in page.elements[answer - 1 : answer + 1]] == ["h1", "p"]
    assert page.said("p")[0] == json.loads(trace_json_text(found))["answer"]
    good = "answer good" if found.exit_status == 0 else "answer"
    assert page.elements[answer][1]["class"] == good


def test_each_layer_has_one_row_with_its_way(found: Trace) -> None:
    text = trace_to_html(found)
    (way,) = re.findall(r"What each layer makes of the mask</caption>(.*?)</table>", text, re.S)
    names = [layer.name for layer in found.layers if layer.number]
    assert Parsed(f"<table>{way}</table>").said("th")[-len(names) :] == names
    for each in found.layers[1:]:
        assert each.way in Parsed(text).said("td") or each.way in ("none", "lost before")


def test_everything_measured_is_said_with_its_numbers() -> None:
    page = Parsed(trace_to_html(every_state()))
    told = page.said("dd")
    assert "they matter at masked steps: the loss goes from 0.5 to 0.75" in told
    assert "accuracy counts masked steps: from 0.5 to 0.25" in told
    assert len(page.all("dt")) == len(page.all("dd")) == 2 * 6 + 3 + 8
    assert page.said("pre") == ["maskgate trace my:model"]
    assert "Note: a note" in page.said("p")


def test_tables_pictures_and_boxes_tell_what_they_are(found: Trace) -> None:
    page = Parsed(trace_to_html(found))
    assert {str(has.get("scope")) for has in page.all("th")} == {"col", "row"}
    assert len(page.all("caption")) == len(page.all("table")) == 2
    assert len(page.all("svg")) == len(page.all("svg", role="img")) == 2
    assert len(page.all("desc")) == 2
    boxes = page.all("div", role="region", tabindex="0")
    assert len(boxes) == 4
    assert all(box["aria-label"] for box in boxes)


def test_the_heat_map_is_there_as_numbers() -> None:
    page = Parsed(trace_to_html(traced()))
    assert page.said("td")[-6:] == [
        "0.25",
        "0.100000001",
        "0 (masked)",
        "0.200000003",
        "0 (masked)",
        "0.100000001 (masked)",
    ]
    flat = replace(traced(), arrays={"gradient_0": np.zeros((2, 3))})
    assert "The gradient over batch and time" not in Parsed(trace_to_html(flat)).said("h2")


def test_links_can_be_followed() -> None:
    found = every_state()
    page = Parsed(trace_to_html(found))
    assert [has["href"] for has in page.all("a")] == [found.known[0].link]
    assert "finding there-is-none-of-this-name" in page.said("span")
    there = replace(found.known[1], link="reports/findings/layers-drop-masks-silently")
    (href,) = (
        has["href"] for has in Parsed(trace_to_html(replace(found, known=(there,)))).all("a")
    )
    assert str(href).startswith("file:///")
    assert (Path(unquote(urlsplit(str(href)).path)) / "repro.py").is_file()


def hostile() -> Trace:
    """Every text that a user can write, written by one who means harm."""
    layers = (
        MODEL,
        layer(1, "made", -1, taken=(0,), name=HOSTILE, kind=HOSTILE),
        layer(2, "dropped with a warning", name=HOSTILE * 9, warnings=(HOSTILE,)),
        layer(3, "none"),
    )
    bad = output("matter", name=HOSTILE, loss=HOSTILE, lost_at=(2,), made_by=3)
    made = traced(bad, layers=layers, target=HOSTILE, notes=(HOSTILE,), command=HOSTILE)
    return replace(made, subject={**made.subject, "id": HOSTILE, "notes": [HOSTILE]})


def test_nothing_of_a_hostile_name_is_an_element() -> None:
    page = Parsed(trace_to_html(hostile()))
    harmless = Parsed(trace_to_html(every_state()))
    tags = {tag for tag, _ in harmless.elements} | {"ul", "li"}
    assert {tag for tag, _ in page.elements} <= tags
    assert not [has for _, has in page.elements if any(name.startswith("on") for name in has)]
    cleaned = HOSTILE.replace("\x00", "?").replace("\ud800", "?")
    assert cleaned in page.said("pre")
    assert cleaned in page.said("th")


@given(st.text(max_size=20))
def test_any_name_gives_a_page_that_is_well_formed(name: str) -> None:
    layers = (MODEL, layer(1, "made", -1, name=name, warnings=(name,)), layer(2, "kept"))
    text = trace_to_html(traced(output(name=name), layers=layers, target=name, notes=(name,)))
    assert len(Parsed(text).all("h1")) == 1
    text.encode("utf-8")


@pytest.mark.parametrize("build", [every_state, hostile])
def test_the_page_loads_nothing_and_runs_nothing(build: type[Trace]) -> None:
    text = trace_to_html(build())
    page = Parsed(text)
    assert not {"script", "link", "iframe", "object", "img"} & {tag for tag, _ in page.elements}
    assert not [has for tag, has in page.elements if "src" in has or ("href" in has and tag != "a")]
    for _, has in page.elements:
        if "http-equiv" in has:
            assert has["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.S)
    assert not re.search(r"url\(|@import|expression", style)


def test_the_same_trace_gives_the_same_page(found: Trace) -> None:
    assert trace_to_html(found) == trace_to_html(found)


def test_what_failed_is_said() -> None:
    failure = Failure("my:model", "it is no <model>", "name one")
    page = Parsed(trace_to_html(Trace("my:model", failures=(failure,))))
    assert page.said("p") == [f"Not traced: {failure}"]


def test_the_folder_holds_the_page(found: Trace, tmp_path: Path) -> None:
    write_trace_folder(found, tmp_path)
    assert (tmp_path / "trace.html").read_text("utf-8") == trace_to_html(found)


# -- in a browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Loads the page in frames of several widths, and writes down what a reader would stumble over.
PROBE = """<!DOCTYPE html><html><body><script>
const widths = [360, 1280], problems = [];
let left = widths.length;
function over(a, b) {
  return a.left < b.right - 1 && b.left < a.right - 1
    && a.top < b.bottom - 1 && b.top < a.bottom - 1;
}
function look(frame, width) {
  const page = frame.contentDocument, root = page.documentElement;
  if (root.scrollWidth > width) problems.push(`${width}: the page is ${root.scrollWidth} wide`);
  if (page.querySelectorAll("svg").length !== 2) problems.push(`${width}: no pictures`);
  for (const svg of page.querySelectorAll("svg")) {
    const all = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")]
      .map(text => [text.textContent, text.getBoundingClientRect()]);
    for (const [n, [words, box]] of texts.entries()) {
      if (box.right > all.right || box.left < all.left || box.bottom > all.bottom)
        problems.push(`${width}: cut off: ${words}`);
      for (const [others, other] of texts.slice(n + 1))
        if (over(box, other)) problems.push(`${width}: ${words} lies on ${others}`);
    }
  }
  const answer = page.querySelector(".answer").getBoundingClientRect();
  if (answer.bottom > 740) problems.push(`${width}: the answer is not on the first screen`);
}
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style = `width:${width}px;height:740px;border:0`;
  frame.onload = () => {
    look(frame, width);
    if (!--left) document.title = "looked: " + JSON.stringify(problems);
  };
  frame.src = "trace.html";
  document.body.append(frame);
}
</script></body></html>"""


def in_browser(folder: Path) -> list[str]:
    """What a browser finds wrong with the page in a folder."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser is installed: none of {', '.join(BROWSERS)} is on the path")
    probe = folder / "probe.html"
    probe.write_text(PROBE, "utf-8")
    options = [
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--allow-file-access-from-files",
        "--virtual-time-budget=10000",
        f"--user-data-dir={folder / 'profile'}",
        # A browser refuses to run as root within its sandbox.
        *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        "--dump-dom",
    ]
    command = [browser, *options, probe.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"{browser} does not start here: it exits with {done.returncode}")
    (title,) = Parsed(done.stdout.decode("utf-8")).said("title")
    assert title.startswith("looked: "), title
    problems: list[str] = json.loads(title.removeprefix("looked: "))
    return problems


def wide() -> Trace:
    """A trace that needs room: long names, many lines, two outputs of many steps."""
    name = "a_layer_whose_name_goes_on_and_on_and_on_and_on_and_on"
    layers = (
        MODEL,
        layer(1, "made", -1, taken=(0,), name=name, kind="BatchNormalizationOfAnUnusualKind"),
        layer(2, "kept", 1, name="第一層の名前はとても長いのでここには入りきらない"),
        layer(3, "kept", 1, shapes=((2, 3, 1),) * 9),
        layer(4, "kept", 1, 2, 3, warnings=("It will destroy the mask information.",)),
        layer(5, "dropped with a warning", 2, name="W" * 60, kind="W" * 30),
        layer(6, "none", 1, 5, depth=3),
    )
    long = {"gradient_0": np.ones((30, 40, 2)), "mask_0": np.tri(30, 40, 20) > 0}
    outputs = output("matter", name=name, lost_at=(5,), made_by=6), output(name="b", made_by=4)
    return traced(*outputs, layers=layers, arrays={**long, "gradient_1": long["gradient_0"]})


@pytest.mark.parametrize("build", [traced, every_state, wide])
def test_a_browser_shows_the_page_at_any_width(build: type[Trace], tmp_path: Path) -> None:
    write_trace_folder(build(), tmp_path)
    assert in_browser(tmp_path) == []


def test_the_browser_would_see_a_fault(tmp_path: Path) -> None:
    write_trace_folder(traced(), tmp_path)
    page = tmp_path / "trace.html"
    text = page.read_text("utf-8")
    page.write_text(re.sub(r'x="\d+"( y="[\d.]+"[^>]*>time →)', r'x="5"\1', text), "utf-8")
    assert "360: batch ↓ lies on time →" in in_browser(tmp_path)
