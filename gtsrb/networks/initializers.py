"""Initial weights that Keras does not have."""

import keras
import numpy as np
from keras import KerasTensor, ops


@keras.saving.register_keras_serializable("gtsrb")
class Dirac(keras.initializers.HeNormal):
    """A convolution starts by passing its inputs on (Zagoruyko and Komodakis 2017): its first filters are unit impulses.

    There are as many of them as inputs; further filters, and dense layers, are drawn as by `he_normal`.
    """

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> KerasTensor:
        values = super().__call__(shape, dtype)
        if len(shape) != 4:
            return values
        height, width, inputs, filters = shape
        passed = min(inputs, filters)
        kernel = np.array(values)
        kernel[..., :passed] = 0
        kernel[height // 2, width // 2, range(passed), range(passed)] = 1
        return ops.convert_to_tensor(kernel, dtype)
