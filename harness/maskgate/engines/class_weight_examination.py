"""A property about class weights put to one subject."""

from __future__ import annotations

from collections.abc import Iterator

from maskgate.case import AnyArray
from maskgate.engines.model_examination import NOT_OFFERED
from maskgate.engines.numbers_examination import NumbersExamination, Verdict
from maskgate.strategies.class_weights import ENTRIES, looked_up, unnamed
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Mode, Refusal
from maskgate.verdicts.compare import Judgement, Mismatch, judge

# How a batch is given decides which code looks up the weights.
GIVEN_AS = dict(zip(ENTRIES, ("arrays", "arrays", "dataset", "sequence", "generator"), strict=True))


class ClassWeightExamination(NumbersExamination):
    """What the property of class weights is given as `subject`."""

    def modes(self, pair: Pair) -> tuple[Mode, ...]:
        """Eager code, where there is any: the weights are looked up outside of it."""
        offered: tuple[Mode, ...] = self.description.modes
        return ("eager",) if "eager" in offered else super().modes(pair)[:1]

    def class_weights_by_label(self, pair: Pair) -> None:
        """Each entry point reports the loss with the weights looked up by label, or says why not.

        An error is clear where it is about class weights or names an argument.
        """

        def told(mode: Mode) -> Iterator[Verdict]:
            case, target = pair.case, str(pair.details["target"])
            if unnamed(pair) and self.semantics.element_rules.dialect == "keras-2":
                return  # there each class must have its weight
            weighted = case.with_(sample_weight=looked_up(pair))
            wanted = self.expect_trained(weighted, mode, training=True)
            only = pair.details.get("only")
            entries = [name for name in ENTRIES if only in (None, name)]
            given = {
                "model": pair.details["model"],
                "loss": case.loss.kind.keras_class,
                "loss_parameters": dict(case.loss.parameters),
                "reduction": case.reduction,
                "mode": mode,
                "weights": list(pair.details["weights"]),
                "entries": entries,
            }
            labels: AnyArray = case.y_true
            if target.endswith("-column"):
                labels = labels[..., None]
            arrays = {"x": case.y_pred, "y_true": labels}
            answers = self.numbers("class_weights.losses", entries, given, arrays, mode)
            for name, answer in answers.items():
                if isinstance(answer, Refusal):
                    said, kind = _refused(answer), f"{target}-obscure-error"
                else:
                    said, kind = judge(answer, wanted), target
                    if len(set(case.loss_shape)) < len(case.loss_shape):
                        kind += "-coincident"
                yield Verdict(name, said, GIVEN_AS[name], kind)

        self.judged_each(pair, told, relation="class-weight")


def _refused(answer: Refusal) -> Judgement:
    """An error is as good as the right answer where it tells a person what is wrong."""
    # Keras before 2.4 wants the labels of steps as a column, and says so.
    words = ("class_weight", "Error when checking target")
    clear = answer.kind == "ValueError" and any(each in answer.message for each in words)
    if answer.kind == NOT_OFFERED:
        return Judgement(Mismatch("answer", "a loss", NOT_OFFERED, 0.0))
    if clear:
        return Judgement(None)
    observed = f"{answer.kind}: {answer.message}"[:300]
    wanted = "a loss, or an error about class_weight"
    return Judgement(Mismatch("answer", wanted, observed, 0.0))
