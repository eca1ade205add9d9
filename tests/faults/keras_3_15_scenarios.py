"""Faults in Keras 3.15 that a program of the corpus shows: one in each kind of scenario."""

from faults.planting import Fault

PROPERTY = "corpus-scenarios"

# By the scenario that must report it.
FAULTS = {
    "merged-with-itself": Fault(
        "merging-loses-the-mask",
        "src/layers/merging/base_merge.py",
        "        if any(m is None for m in mask):\n            return None",
        "        if mask:\n            return None",
        PROPERTY,
        "scenario",
    ),
    "batch-statistics-under-a-mask": Fault(
        "statistics-of-padding",
        "src/layers/normalization/batch_normalization.py",
        "            mean, variance = self._moments(inputs, mask)",
        "            mean, variance = self._moments(inputs, None)",
        PROPERTY,
        "scenario",
    ),
    "metric-without-weights-under-a-mask": Fault(
        "metrics-ignore-the-mask",
        "src/metrics/reduction_metrics.py",
        "        mask = backend.get_keras_mask(y_pred)",
        "        mask = None",
        PROPERTY,
        "scenario",
    ),
    "wrapped-recurrent-layer": Fault(
        "every-step-has-the-first-mask",
        "src/layers/rnn/time_distributed.py",
        'kwargs["mask"] = mask[i]',
        'kwargs["mask"] = mask[0]',
        PROPERTY,
        "scenario",
    ),
    "explicit-mask": Fault(
        "mask-by-hand-is-not-handed-on",
        "src/layers/layer.py",
        'if "mask" in kwargs and kwargs["mask"] is not None:',
        'if "mask" in kwargs and kwargs["mask"] is None:',
        PROPERTY,
        "scenario",
    ),
    "class-weight-alone": Fault(
        "class-weights-all-one",
        "src/trainers/data_adapters/data_adapter_utils.py",
        "class_weight.get(int(y_numpy[i]), 1.0)",
        "class_weight.get(-1, 1.0)",
        PROPERTY,
        "scenario",
    ),
    "masked-mean-absolute-error": Fault(
        "mask-not-scaled",
        "src/losses/loss.py",
        "            mask_weight = ops.divide_no_nan(total, valid)",
        "            mask_weight = ops.divide_no_nan(total, total)",
        PROPERTY,
        "scenario",
    ),
}
