"""Shows a network the contrast around each pixel, in the shade and against the sky alike."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("gtsrb")
class LocalContrast(keras.layers.Layer):
    """Images (n, height, width, channels) -> the same with mean 0 and variance 1 in the square window around each pixel.

    Each channel by itself; at the border the window is cut off. Local contrast normalisation (Jarrett et al. 2009), with a box
    in place of their Gaussian. In float32, since a variance is a small difference of large numbers.
    """

    def __init__(self, window: int, **options):
        super().__init__(dtype="float32", **options)
        self.window = window

    def call(self, images):
        def mean(values):
            return ops.average_pool(values, self.window, strides=1, padding="same")

        centred = images - mean(images)
        return centred / ops.sqrt(mean(ops.square(centred)) + 1e-5)  # of values in [0, 1]: 0.8 grey levels, squared

    def get_config(self):
        return super().get_config() | {"window": self.window}
