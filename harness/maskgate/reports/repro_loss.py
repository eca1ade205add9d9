"""A finding about a loss object as a script that needs the framework and NumPy only.

What such a script compares is told in `repro`.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from maskgate.case import KINDS, LossSpec
from maskgate.reports import script_text as text
from maskgate.reports.literals import HELPERS, array_source
from maskgate.reports.repro_about import release
from maskgate.verdicts.model import Finding

_FIELDS = ("y_true", "y_pred", "mask", "sample_weight")
_TWO_BATCHES = ("identical", "close", "repeats")


def loss_script(
    finding: Finding, docstring: str, environment: str, package_import: str
) -> str | None:
    """The script's text, or None where no script can show the finding.

    Args:
        finding: with a case and a `reproducer` as `repro` tells.
        docstring: what the script says of itself.
        environment: its lines about environment variables.
        package_import: its line that imports the package as `keras`.
    """
    check = _check(finding)
    assert finding.case is not None
    if check is None or "<" in finding.case["loss"]["name"]:  # a loss made inside a function
        return None
    source = text.SCRIPT.substitute(
        docstring=docstring,
        environment=environment,
        framework_import=text.IMPORTS[finding.reproducer["backend"]],
        package_import=package_import,
        losses=_losses(finding),
        data=_data(finding),
        ask=_ask(finding),
        check=check,
    )
    return _with_helpers(source)


def _losses(finding: Finding) -> str:
    """The loss objects, inside the script's `try`."""
    own = finding.case is not None and ":" in finding.case["loss"]["name"]
    imports = _own_import(finding) if own else []
    lines = [*_floatx(finding), *imports, f"loss = {_loss_call(finding, finding.case)}"]
    if _altered_has_own_loss(finding):
        lines.append(f"altered_loss = {_loss_call(finding, finding.altered)}")
    return textwrap.indent("\n".join(lines), "    ")


def _floatx(finding: Finding) -> list[str]:
    """Losses of Keras 3.0 to 3.3 have no dtype of their own: they compute in floatx."""
    assert finding.case is not None
    dtype, known = finding.case["dtype"], release(finding.reproducer.get("version", ""))
    if (3,) <= known < (3, 4) and dtype != "float32":
        return [f"keras.backend.set_floatx({_quoted(dtype)})"]
    return []


def _loss_call(finding: Finding, case: Mapping[str, Any] | None) -> str:
    assert case is not None
    spec = LossSpec.from_dict(case["loss"])
    if spec.own:
        return _own_call(finding, case)
    arguments: dict[str, Any] = {**dict(spec.parameters), "reduction": case["reduction"]}
    recipe = finding.reproducer
    has_dtype = recipe["distribution"] == "keras" and release(recipe["version"]) >= (3, 4)
    if has_dtype and case["dtype"] != "float32":
        arguments["dtype"] = case["dtype"]
    inside = ", ".join(f"{name}={_quoted(value)}" for name, value in arguments.items())
    return f"keras.losses.{KINDS[spec.name].keras_class}({inside})"


def _own_call(finding: Finding, case: Mapping[str, Any]) -> str:
    """How a user's own loss is made: as it was made when it was asked."""
    own = finding.reproducer["own"]
    _, *inside = str(case["loss"]["name"]).partition(":")[2].split(".")
    target = ".".join(["own", *inside]) + ("()" if own["made"] else "")
    metric = own["role"] == "metric"
    if own["form"] == "object":
        return f"of_metric({target})" if metric else target
    given = {"reduction": case["reduction"], "dtype": case["dtype"]}
    chosen = [f"{name}={_quoted(given[name])}" for name in given if name in own["arguments"]]
    if own["form"] == "class":
        made = f"{target}({', '.join(chosen)})"
        return f"of_metric({made})" if metric else made
    if metric:
        wrapper = "keras.metrics.MeanSquaredError.__mro__[1]"
        return f"of_metric({wrapper}({', '.join([target, *chosen])}))"
    # What `compile(loss=function)` makes a loss with.
    return f"keras.losses.MeanSquaredError.__mro__[1]({', '.join([target, *chosen])})"


def _own_import(finding: Finding) -> list[str]:
    """Where the user's own loss comes from: the folder that the script is run in comes first."""
    assert finding.case is not None
    module, _, name = str(finding.case["loss"]["name"]).partition(":")
    first = name.split(".")[0]
    of_metric = finding.reproducer["own"]["role"] == "metric"
    return [
        f"# Run this in the folder that {module} is imported from.",
        "sys.path.insert(0, os.getcwd())",
        f"from {module} import {first} as own",
        *(text.OF_METRIC.splitlines() if of_metric else []),
    ]


def _quoted(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _altered_has_own_loss(finding: Finding) -> bool:
    case, altered = finding.case, finding.altered
    if case is None or altered is None or finding.reproducer.get("relation") not in _TWO_BATCHES:
        return False
    return any(case[key] != altered[key] for key in ("loss", "reduction", "dtype"))


def _data(finding: Finding) -> str:
    case, altered = finding.case, finding.altered
    assert case is not None
    entries = [f'"dtype": {_quoted(case["dtype"])}', *(_entry(f, case) for f in _FIELDS)]
    first = _dictionary("case", entries)
    if altered is None or finding.reproducer.get("relation") not in _TWO_BATCHES:
        return first
    changed = [_entry(field, altered) for field in _FIELDS if case[field] != altered[field]]
    if case["dtype"] != altered["dtype"]:
        changed.insert(0, f'"dtype": {_quoted(altered["dtype"])}')
    return f"{first}\n{_dictionary('altered', ['**case', *changed])}"


def _entry(field: str, case: Mapping[str, Any]) -> str:
    start = f'"{field}": '
    return start + array_source(case[field], indent=len(start) + 4)


def _dictionary(name: str, entries: list[str]) -> str:
    return f"{name} = {{\n" + "".join(f"    {entry},\n" for entry in entries) + "}"


def _ask(finding: Finding) -> str:
    backend = finding.reproducer["backend"]
    ask = text.ASK[backend]
    if finding.mode == "eager":
        return ask.substitute(parameter="", trace="")
    return ask.substitute(parameter=f", mode={_quoted(finding.mode)}", trace=text.TRACE[backend])


def _check(finding: Finding) -> str | None:
    """The script's comparison: sets `expected`, `observed` (text) and `there`."""
    relation = finding.reproducer.get("relation")
    if finding.stage == "backend":  # run on this backend: what another one said is expected
        return _check_expected(replace(finding, expected=_said_there(finding)))
    if relation in ("identical", "repeats") and finding.altered is None:
        return None
    if relation == "equals-expected":
        return _check_expected(finding)
    if relation == "close":
        return _check_close(finding)
    makers = {"identical": text.IDENTICAL, "repeats": text.REPEATS, "finite": text.FINITE}
    if relation not in makers:
        return None
    return makers[relation].substitute(altered=_altered_call(finding))


def _said_there(finding: Finding) -> Any:
    """The answer of the other backend, as the expectation of a script on this one."""
    refused = finding.reproducer.get("part") == "answer" and finding.expected == "a value"
    return f"refused: {finding.observed}" if refused else finding.observed


def _check_expected(finding: Finding) -> str | None:
    part = finding.reproducer.get("part", "value")
    expected = finding.expected
    if part == "answer":
        refused = isinstance(expected, str) and expected.startswith("refused")
        return (text.MUST_REFUSE if refused else text.MUST_ANSWER).substitute()
    if isinstance(expected, str) and expected.startswith("shape"):
        return text.SHAPE.substitute(part=part, expected=_quoted(expected))
    index = _index(finding.reproducer.get("index", ()))
    return text.EXPECTED.substitute(
        part=part,
        index=index,
        place="" if index == "[()]" else index,
        expected=_literal(expected),
        bound=_literal(finding.bound),
        refused=_refused_word(finding),
    )


def _check_close(finding: Finding) -> str | None:
    recipe = finding.reproducer
    index = recipe.get("index", ())
    case, altered = finding.case, finding.altered
    if case is None or (altered is None and finding.mode == "eager"):
        return None
    moved = altered is not None and case["y_pred"]["shape"] != altered["y_pred"]["shape"]
    if moved and index and not {"index_of_case", "index_of_altered"} & recipe.keys():
        return None  # where the place lies in the other batch is not known
    two_modes = altered is None
    words = {
        "first": 'ask(loss, **case, mode="eager")' if two_modes else "ask(loss, **case)",
        "second": "ask(loss, **case)" if two_modes else _altered_call(finding),
        "what": "the modes agree" if two_modes else "the batches agree",
    }
    if recipe.get("part") == "answer":
        return text.BOTH_ANSWER.substitute(words)
    return text.CLOSE.substitute(
        words,
        part=recipe.get("part", "value"),
        index=_index(recipe.get("index_of_altered", index)),
        index_of_case=_index(recipe.get("index_of_case", index)),
        factor=_literal(recipe.get("factor", 1.0)),
        bound=_literal(finding.bound),
        refused=_refused_word(finding),
    )


def _altered_call(finding: Finding) -> str:
    name = "altered_loss" if _altered_has_own_loss(finding) else "loss"
    return f"ask({name}, **altered)"


def _refused_word(finding: Finding) -> str:
    """Whether a refusal counts as the behaviour."""
    return "False" if finding.reproducer.get("or_refused") else "True"


def _index(index: Any) -> str:
    return f"[{', '.join(str(int(i)) for i in index)}]" if index else "[()]"


def _literal(number: Any) -> str:
    """A number as source; `nan` and `inf` are names that the script defines."""
    return number if number in ("nan", "inf", "-inf") else repr(float(number))


def _with_helpers(source: str) -> str:
    """Put in what the script calls: NaN and infinity by name, builders of arrays, comparisons."""
    offered = {**HELPERS, **text.COMPARISONS}
    needed = [helper for call, helper in offered.items() if call in source]
    code = source.split('"""', 2)[2]
    names = [text.NAMES] if re.search(r"\b(nan|inf)\b", code) else []
    return source.replace(text.HELPERS_HERE, "\n\n".join([*names, *needed, ""]))
