"""Faults in tf_keras 2.21, whose masked losses are those of Keras 2.12 to 2.15."""

from faults.planting import Fault

UTILS = "src/utils/losses_utils.py"
LOSSES = "src/losses.py"

RESCALED = "            mask *= total / valid"
MASK_APPLIED = "            sw *= mask"
WEIGHTED = "        weighted_losses = tf.multiply(losses, sample_weight)"

FAULTS = (
    Fault("no-rescaling", UTILS, RESCALED, "            pass", "padding-invariance"),
    Fault(
        "rescaled-by-one-too-many",
        UTILS,
        RESCALED,
        "            mask *= total / (valid + 1)",
        "loss-value",
    ),
    Fault(
        "no-nan-for-the-empty-mask",
        UTILS,
        RESCALED,
        "            mask *= tf.math.divide_no_nan(total, valid)",
        "loss-value",
    ),
    Fault(
        "epsilon-in-the-count",
        UTILS,
        RESCALED,
        "            mask *= total / (valid + 1e-7)",
        "loss-value",
    ),
    Fault(
        "weights-lost-beside-a-mask",
        UTILS,
        MASK_APPLIED,
        "            sw = mask",
        "loss-value",
    ),
    Fault(
        "weights-squared",
        UTILS,
        MASK_APPLIED,
        "            sw *= sw * mask",
        "weight-homogeneity",
    ),
    Fault(
        "only-when-traced",
        UTILS,
        RESCALED,
        "            mask *= total / (valid + (0.0 if tf.executing_eagerly() else 1.0))",
        "eager-graph-xla",
    ),
    Fault(
        "only-for-unknown-batch-sizes",
        UTILS,
        RESCALED,
        "            mask *= total / (valid + (1.0 if mask.shape[0] is None else 0.0))",
        "eager-graph-xla",
    ),
    Fault(
        "only-in-the-gradient",
        UTILS,
        WEIGHTED,
        WEIGHTED + "\n        weighted_losses += 0.25 * (\n"
        "            weighted_losses - tf.stop_gradient(weighted_losses)\n        )",
        "loss-gradient",
    ),
    Fault(
        "mask-leaks-a-little",
        UTILS,
        RESCALED,
        "            mask = (mask + 1e-4) * (total / valid)",
        "labels-under-mask",
    ),
    Fault(
        "mask-of-the-prediction-ignored",
        LOSSES,
        "            in_mask = losses_utils.get_mask(y_pred)",
        "            in_mask = None",
        "gradient-under-mask",
    ),
)
