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
    Fault(
        "validation-forgets-its-weights",
        "src/backend/tensorflow/trainer.py",
        "                        sample_weight=val_sample_weight,",
        "                        sample_weight=None,",
        "epoch-value",
        "validation",
    ),
    Fault(
        "held-out-samples-take-the-first-weights",
        "src/trainers/data_adapters/array_slicing.py",
        "    return train_arrays, val_arrays",
        "    if arrays[2] is not None:\n"
        "        first = _split(arrays[2], 0, batch_dim - split_at)\n"
        "        val_arrays = (*val_arrays[:2], convert_to_sliceable((first,))[0])\n"
        "    return train_arrays, val_arrays",
        "epoch-value",
        "validation-split",
    ),
    Fault(
        "weights-stay-where-samples-are-shuffled",
        "src/trainers/data_adapters/array_data_adapter.py",
        "                return tree.traverse(grab_one, data)",
        "                grabbed = tree.traverse(grab_one, data)\n"
        "                if len(grabbed) == 3:\n"
        "                    grabbed = (*grabbed[:2], tf.gather(data[2], tf.sort(i), axis=0))\n"
        "                return grabbed",
        "epoch-value",
        "fit-shuffled",
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
