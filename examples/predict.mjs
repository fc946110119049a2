// Which sign is in this picture?  node predict.mjs champion.onnx picture.png  (npm install onnxruntime-web pngjs)
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-web";
import { PNG } from "pngjs";

const network = await ort.InferenceSession.create(readFileSync(process.argv[2]));
const { width, height, data } = PNG.sync.read(readFileSync(process.argv[3])); // red, green, blue, alpha of each pixel
const picture = new ort.Tensor("uint8", data.filter((_, i) => i % 4 < 3), [height, width, 3]);
const whole = new ort.Tensor("int64", [0, 0, -1, -1], [4]); // left, top, right, bottom of the sign; -1 is the last pixel
const { probabilities } = await network.run({ picture, box: whole });
const best = probabilities.data.indexOf(Math.max(...probabilities.data));
console.log(`class ${best}, ${(100 * probabilities.data[best]).toFixed(1)}%`);
process.exit(); // its threads would keep Node waiting
