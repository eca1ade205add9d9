"""A property of the masked forward pass of a recurrent layer put to one subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np

from maskgate.case.layers import LayerCase, Setting
from maskgate.engines.model_examination import PATIENCE
from maskgate.engines.numbers_examination import NumbersExamination, Verdict
from maskgate.oracle import Ball, Expected
from maskgate.oracle.recurrent import forward, weight_shapes
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import Crash, Done, Mode, ModelSubject, Refusal, Task, Value
from maskgate.verdicts.compare import Judgement, Mismatch, SubjectCrashed, judge, larger

# Every layer is asked of each batch; the reset gate of a GRU stands before or after its product.
LAYERS: Mapping[str, tuple[str, Mapping[str, Setting]]] = {
    "simple-rnn": ("SimpleRNN", {}),
    "lstm": ("LSTM", {"recurrent_activation": "sigmoid"}),
    "gru": ("GRU", {"recurrent_activation": "sigmoid", "reset_after": False}),
    "gru-reset-after": ("GRU", {"recurrent_activation": "sigmoid", "reset_after": True}),
}
UNITS = 3
_LARGEST = 2.0  # of the inputs: gates that are all shut or open show nothing


class LayerExamination(NumbersExamination):
    """What a property of recurrent layers is given as `subject`.

    A pair's case holds the batch as predictions and its mask; the details hold `flags`, arguments
    of the layers, and `seed`, of which the weights are drawn.
    """

    def runs_forward(self, pair: Pair) -> None:
        """Output and last states are what the definition gives, inside the derived bound."""

        def told(mode: Mode) -> Iterator[Verdict]:
            for name in self._asked(pair):
                case = layer_case(pair, name)
                found = self._forward(case, mode)
                said = forward(case)
                balls = {"output": said.output}
                balls.update({f"state{i}": each for i, each in enumerate(said.states)})
                yield _verdict(name, case, _judged(found, balls))

        self.judged_each(pair, told)

    def cuts_out_masked_steps(self, pair: Pair) -> None:
        """A row's last states are those of the row with its masked steps cut out, and so are its
        outputs at valid steps."""

        def told(mode: Mode) -> Iterator[Verdict]:
            for name in self._asked(pair):
                case = layer_case(pair, name)
                yield _verdict(name, case, self._compacted(case, mode))

        self.judged_each(pair, told)

    def _asked(self, pair: Pair) -> list[str]:
        """The layers to ask: the one of a replayed deviation, or all; by turns where each call
        builds a graph."""
        if "only" in pair.details:
            return [pair.details["only"]]
        names = list(LAYERS)
        if "eager" in self.description.modes:
            return names
        return [names[int(pair.details["seed"]) % len(names)]]

    def modes(self, _pair: Pair) -> tuple[Mode, ...]:
        """Layers are called as they are: eagerly, where there is such a thing."""
        return self.description.modes[:1]

    def _compacted(self, case: LayerCase, mode: Mode) -> Judgement:
        whole = self._forward(case, mode)
        if isinstance(whole, Refusal):
            return _refused(whole)
        used: float | None = None
        for row, valid in enumerate(case.valid):
            if not valid.any():
                continue
            short = replace(case, x=case.x[row][valid][None], mask=None)
            alone, bounds = self._forward(short, mode), forward(short)
            if isinstance(alone, Refusal):
                return _refused(alone)
            backwards = bool(case.parameters.get("go_backwards"))
            outputs = whole.arrays["output"][row][valid[::-1] if backwards else valid]
            wanted = [(outputs, alone.arrays["output"][0], bounds.output.radius[0])]
            for number, state in enumerate(bounds.states):
                key = f"state{number}"
                wanted.append((whole.arrays[key][row], alone.arrays[key][0], state.radius[0]))
            for padded, cut, radius in wanted:
                # Both may be off by the bound, which is the same for either.
                ball = Ball(cut.astype(np.float64), 2.0 * radius)
                said = judge(Value(padded, None, "float32"), Expected(ball, None))
                if not said.holds:
                    return said
                used = larger(used, said.used)
        return Judgement(None, used)

    def _forward(self, case: LayerCase, mode: Mode) -> Done | Refusal:
        self.tally.asked[mode] += 1
        arrays = {"x": case.x, **{f"weight{i}": each for i, each in enumerate(case.weights)}}
        if case.mask is not None:
            arrays["mask"] = case.mask
        asked = {"layer": case.layer, "arguments": dict(case.parameters)}
        subject = cast(ModelSubject, self._subject)
        done = subject.perform(Task("layers.forward", asked, arrays), timeout=PATIENCE)
        self.tally.subject_seconds += done.seconds
        if isinstance(done, Crash):
            raise SubjectCrashed(done.reason)
        return done


def layer_case(pair: Pair, name: str) -> LayerCase:
    """The call of a layer that a pair stands for."""
    layer, own = LAYERS[name]
    flags: Mapping[str, Any] = pair.details["flags"]
    x = np.clip(pair.case.y_pred, -_LARGEST, _LARGEST)
    bare = LayerCase(layer, {"units": UNITS, **own, **flags}, x, pair.case.mask)
    random = np.random.default_rng(int(pair.details["seed"]))
    return replace(
        bare, weights=tuple(random.uniform(-1.0, 1.0, shape) for shape in weight_shapes(bare))
    )


def _verdict(name: str, case: LayerCase, said: Judgement) -> Verdict:
    numbers = case.mask is not None and case.mask.dtype != np.bool_
    shown = {"call": case.to_dict()}
    return Verdict(name, said, "layer", name + "-mask-of-numbers" * numbers, shown)


def _judged(found: Done | Refusal, balls: Mapping[str, Ball]) -> Judgement:
    if isinstance(found, Refusal):
        return _refused(found)
    used: float | None = None
    for name, ball in balls.items():
        said = judge(Value(found.arrays[name], None, "float32"), Expected(ball, None))
        if not said.holds:
            return said
        used = larger(used, said.used)
    return Judgement(None, used)


def _refused(answer: Refusal) -> Judgement:
    observed = f"{answer.kind}: {answer.message}"[:300]
    return Judgement(Mismatch("answer", "an output", observed, 0.0))
