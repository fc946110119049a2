"""Muon for convolutions: Keras' own takes dense kernels alone, and gives all others to AdamW."""

import math

import keras
from keras import KerasTensor, ops


@keras.saving.register_keras_serializable("gtsrb")
class Muon(keras.optimizers.Muon):
    """Orthogonalises the momentum of every kernel (Jordan et al. 2024); vectors, such as biases, get AdamW.

    The kernel (height, width, in, out) of a convolution is taken as the matrix (height * width * in, out). Updates are scaled
    as Keras does, by 0.2 * sqrt(the longer side), so that learning rates are those of AdamW (Liu et al. 2025).
    """

    def _should_use_adamw(self, variable: keras.Variable) -> bool:
        return len(variable.shape) < 2

    def zeropower_via_newtonschulz5(self, x: KerasTensor, steps: int) -> KerasTensor:
        matrix = ops.reshape(x, (-1, x.shape[-1]))
        return ops.reshape(super().zeropower_via_newtonschulz5(matrix, steps), x.shape)

    def lr_adjust(self, x: KerasTensor) -> KerasTensor:
        rows, columns = math.prod(x.shape[:-1]), x.shape[-1]
        return x * (self.rms_rate * math.sqrt(max(rows, columns)))
