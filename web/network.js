// The network: a picture and the box of its sign in, probabilities and the network's input out.
import * as ort from "./ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = 1; // more need headers that not every host of static pages sends
ort.env.wasm.wasmPaths = { wasm: new URL("ort-wasm-simd-threaded.wasm", import.meta.url).href };

const session = await ort.InferenceSession.create("network.onnx");

// picture: {pixels: Uint8ClampedArray of RGBA, width, height}; box: [left, top, right, bottom] in its pixels, both corners included
export async function answer({ pixels, width, height }, box) {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < pixels.length; from += 4) {
    rgb[to++] = pixels[from];
    rgb[to++] = pixels[from + 1];
    rgb[to++] = pixels[from + 2];
  }
  const { probabilities, network_input: input } = await session.run({
    picture: new ort.Tensor("uint8", rgb, [height, width, 3]),
    box: new ort.Tensor("int64", BigInt64Array.from(box, BigInt), [4]),
  });
  const [, size, , channels] = input.dims;
  return { probabilities: probabilities.data, input: { levels: input.data, size, channels } };
}
