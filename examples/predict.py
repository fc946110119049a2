"""Which sign is in this picture?  python predict.py champion.onnx picture.png  (pip install onnxruntime pillow)"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image

network = onnxruntime.InferenceSession(sys.argv[1])
picture = np.asarray(Image.open(sys.argv[2]).convert("RGB"))
whole = np.array([0, 0, -1, -1])  # left, top, right, bottom of the sign; -1 is the last pixel
(probabilities,) = network.run(["probabilities"], {"picture": picture, "box": whole})[0]
names = json.loads(network.get_modelmeta().custom_metadata_map["names"])
print(f"{names[probabilities.argmax()]}, {probabilities.max():.1%}")
