"""A finding that a row of a batch is not the row alone, as a script that needs the framework alone.

A recurrent layer is called with a masked batch, and again with the valid steps of one row. What the
script compares, in the finding's `reproducer` (relation `row-alone`), is `part` at `index`. Both
calls are in the finding's details, with the `row` and, for each call of the batch, the places of
the row's valid steps in it (`kept`).
"""

from __future__ import annotations

from string import Template
from typing import Any

from maskgate.reports.repro_call import call_source, calls_script
from maskgate.reports.script_text import COMPARISONS
from maskgate.verdicts.model import Finding

ROW_ALONE = "row-alone"
_BY_STEP = ("output", "backward")

_CHECK = Template("""\
$near

try:
    batch, row = ask(**call), ask(**alone)
    seen = $seen
    wanted = row["$part"][0]
    expected = f"$part$index of the row alone: {wanted$index}, within $bound"
    observed = f"$part$index of the row in the batch: {seen$index}"
    there = seen.shape != wanted.shape or not near(seen$index, wanted$index, $bound)
except Exception as refusal:
    expected, observed, there = "the same of the row alone and in the batch", refusal, True
""")


def row_script(
    finding: Finding, docstring: str, environment: str, package_import: str
) -> str | None:
    """The script's text.

    Args:
        finding: with a `reproducer` whose relation is `ROW_ALONE`.
        docstring: what the script says of itself.
        environment: its lines about environment variables.
        package_import: its line that imports the package as `keras`.
    """
    details: Any = finding.details
    call, alone = details["call"], details["alone"]
    recipe: Any = finding.reproducer
    part, index = recipe["part"], recipe["index"]
    said = (docstring, environment, package_import)
    data = f"{call_source('call', call)}\n{call_source('alone', alone)}"
    check = _CHECK.substitute(
        near=COMPARISONS["near("],
        part=part,
        seen=_of_row(part, int(details["row"]), details["kept"]),
        index=f"[{', '.join(str(int(each)) for each in index)}]" if index else "",
        bound=repr(float(finding.bound)),
    )
    return calls_script(finding, said, call, data=data, check=check)


def _of_row(part: str, row: int, kept: list[list[int]]) -> str:
    """What the calls of the batch give of the row, as source."""
    prefixes = ("", "then_")[: len(kept)]
    if part not in _BY_STEP:  # states: those that are last
        return f'batch["{prefixes[-1]}{part}"][{row}]'
    pieces = [
        f'batch["{prefix}{part}"][{row}][{[int(each) for each in steps]}]'
        for prefix, steps in zip(prefixes, kept, strict=True)
    ]
    return pieces[0] if len(pieces) == 1 else f"np.concatenate([{', '.join(pieces)}])"
