"""Faults in Keras 3.15 that only a whole model shows: in its trainer and in its layers."""

from faults.planting import Fault

TRAINER = "src/backend/tensorflow/trainer.py"
CALLED = """\
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False
        )"""
GRADIENTS = """\
            trainable_weights = self.trainable_weights
            gradients = tape.gradient(loss, trainable_weights)"""

FAULTS = (
    Fault(
        "dense-loses-the-mask",
        "src/layers/core/dense.py",
        "        self.supports_masking = True",
        "        self.supports_masking = False",
        "compiled-loss-value",
        "trainer",
    ),
    Fault(
        "evaluate-forgets-the-weights",
        TRAINER,
        "x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False",
        "x=x, y=y, y_pred=y_pred, sample_weight=None, training=False",
        "compiled-loss-value",
    ),
    Fault(
        "evaluate-alone-is-doubled",
        TRAINER,
        CALLED,
        CALLED + "\n        loss = loss * 2.0",
        "api-paths",
    ),
    Fault(
        "embedding-sets-no-mask",
        "src/layers/core/embedding.py",
        "        self.supports_masking = mask_zero",
        "        self.supports_masking = False",
        "mask-reaches-loss",
        "trainer",
    ),
    Fault(
        # As a decay of the weights would, which no gradient asks for.
        "a-step-moves-weights-without-a-gradient",
        TRAINER,
        GRADIENTS,
        GRADIENTS
        + "\n            gradients = [g + 1e-6 * v for g, v in zip(gradients, trainable_weights)]",
        "training-on-an-empty-mask",
        "trainer",
    ),
    Fault(
        "a-step-trains-on-the-unweighted-loss",
        TRAINER,
        "                loss = self.optimizer.scale_loss(loss)",
        "                loss = self.optimizer.scale_loss(loss)\n"
        "            if sample_weight is not None:\n"
        "                loss = self._compute_loss(x=x, y=y, y_pred=y_pred, training=True)",
        "training-step",
        "trainer",
    ),
)
