"""A finding as a script that needs the framework and NumPy only: fit for an upstream issue.

What a script compares is in the finding's `reproducer`:

    distribution, version, backend   who was asked
    relation     equals-expected  the answer to the case is `expected` within `bound`
                 identical        case and altered case have the same answer, bit for bit
                 close            answer(altered) = factor * answer(case) within `bound`; without an
                                  altered case: the answer in `mode` is the eager one
                 finite           the answer to the case has no NaN and no infinity
                 repeats          the answer to the case is the same again after the altered case
                 others           as the module that writes their scripts says (`_WRITERS`)
    part, index  `value`, `gradient` or `answer` (refused against answered), and the worst place
    index_of_case, index_of_altered    of `close`: where `index` lies in the answers to the two
                 cases; needed where their shapes differ
    factor       of `close`; 1 if absent
    or_refused   whether a clear error is as good
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from maskgate.reports import repro_model, repro_numbers, script_text
from maskgate.reports.repro_about import docstring, environment, package_import, release
from maskgate.reports.repro_call import OF_CALL, call_script
from maskgate.reports.repro_frame import About
from maskgate.reports.repro_layer import OF_LAYER, layer_script
from maskgate.reports.repro_loss import loss_script
from maskgate.reports.repro_masked_call import RELATIONS as OF_MASKED_CALLS
from maskgate.reports.repro_masked_call import masked_call_script
from maskgate.reports.repro_outputs import OF_OUTPUTS, outputs_script
from maskgate.reports.repro_own_layer import OF_OWN_LAYER, own_layer_script
from maskgate.reports.repro_row import ROW_ALONE, row_script
from maskgate.reports.repro_scenario import RELATION, scenario_script
from maskgate.verdicts.model import Finding

Writer = Callable[[Finding, About], str | None]


def _spelled(write: Callable[[Finding, str, str, str], str | None]) -> Writer:
    """A writer that is given what a script says first as three texts."""

    def written(finding: Finding, about: About) -> str | None:
        imported = package_import(about.package, finding.reproducer["backend"])
        return write(finding, about.docstring, about.environment, imported)

    return written


def _of_layer(finding: Finding, about: About) -> str | None:
    imported = package_import(about.package, finding.reproducer["backend"])
    return layer_script(finding, about.docstring, about.environment, imported, about.package)


# Who writes the script of a relation; those of loss objects are the others.
_WRITERS: Mapping[str, Writer] = {
    **dict.fromkeys(repro_model.RELATIONS, repro_model.model_script),
    **dict.fromkeys(repro_numbers.RELATIONS, repro_numbers.numbers_script),
    **dict.fromkeys(OF_MASKED_CALLS, _spelled(masked_call_script)),
    OF_CALL: _spelled(call_script),
    ROW_ALONE: _spelled(row_script),
    OF_OUTPUTS: outputs_script,
    OF_LAYER: _of_layer,
    OF_OWN_LAYER: _spelled(own_layer_script),
}


def repro_script(finding: Finding, subject: Mapping[str, Any]) -> str | None:
    """The script's text, or None where no script can show the finding.

    There is none without a case, for the seed's formula (which is no package), for Keras before 2.4
    (which needs a TensorFlow of its time), for a loss that no import reaches, for a layer that
    could not be called, and for a crash or a hang, which would take the script with it.

    Args:
        finding: what was found.
        subject: the subject's description; may be empty.
    """
    recipe = finding.reproducer
    packages = {"keras": "keras", "tf_keras": "tf_keras"}
    package = packages.get(recipe.get("distribution", ""))
    if package is None or recipe.get("backend", "") not in script_text.ASK:
        return None
    if package == "keras" and release(str(recipe.get("version", ""))) < (2, 4):
        return None
    about = About(docstring(finding, subject), environment(finding, subject), package)
    relation = recipe.get("relation")
    if relation == RELATION:
        return scenario_script(finding, about.docstring, about.environment, package)
    if finding.case is None:
        return None
    return _WRITERS.get(str(relation), _spelled(loss_script))(finding, about)
