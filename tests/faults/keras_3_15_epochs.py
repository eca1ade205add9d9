"""Faults in Keras 3.15 that several batches, accumulated gradients or a saved copy show."""

from faults.planting import Fault

_TRACKED = """\
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False
        )
        self._loss_tracker.update_state(
            loss_module.unscale_loss_for_distribution(loss),
            sample_weight="""

FAULTS = (
    Fault(
        "evaluate-weighs-no-batch",
        "src/backend/tensorflow/trainer.py",
        _TRACKED,
        _TRACKED + "0 * tf.shape(x)[0] + 1 if True else ",
        "epoch-value",
    ),
    Fault(
        "accumulated-gradients-are-summed",
        "src/optimizers/base_optimizer.py",
        "(g + acc_g) / steps for g, acc_g in zip(grads, acc_grads)",
        "(g + acc_g) for g, acc_g in zip(grads, acc_grads)",
        "accumulation-split",
        "accumulated",
    ),
    # Not the mask of an embedding: a functional model saves the operation that made it.
    Fault(
        "a-saved-masking-layer-forgets-its-value",
        "src/layers/core/masking.py",
        'config = {"mask_value": self.mask_value}',
        'config = {"mask_value": 1e6}',
        "mask-survives-saving",
    ),
)
