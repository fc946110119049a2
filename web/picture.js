// Pictures: decoded, and cut to what the network looks at.
const MAX_SIDE = 2048; // pixels, of what is passed on; the network's file reduces it to 512
const MIN_SIDE = 8; // as gtsrb/preprocessing/crop.py

export class PictureError extends Error {}

// A file or blob -> an ImageBitmap, upright
export async function decode(blob) {
  try {
    return await createImageBitmap(blob, { colorSpaceConversion: "none" });
  } catch {
    throw new PictureError(`${blob.name ?? "This"} is not a picture that this browser can read; try PNG or JPEG.`);
  }
}

// The part of the bitmap that matters for a box, at most MAX_SIDE pixels, as pixels of RGBA on white; and the box in it
export function cut(bitmap, [left, top, right, bottom]) {
  const sides = [right - left + 1, bottom - top + 1];
  if (Math.min(...sides) < MIN_SIDE) {
    throw new PictureError(`${sides[0]} x ${sides[1]} pixels are too small to show a sign; at least ${MIN_SIDE} x ${MIN_SIDE} are needed.`);
  }
  const border = Math.max(5, Math.round(Math.max(...sides) / 10)) + 2; // the network's file cuts to its own border
  const x = Math.max(left - border, 0), y = Math.max(top - border, 0);
  const width = Math.min(right + 1 + border, bitmap.width) - x, height = Math.min(bottom + 1 + border, bitmap.height) - y;
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, x, y, width, height, 0, 0, canvas.width, canvas.height);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
  const inside = (value, side) => Math.min(Math.max(Math.floor(value * scale), 0), side - 1);
  const box = [
    inside(left - x, canvas.width), inside(top - y, canvas.height),
    inside(right - x, canvas.width), inside(bottom - y, canvas.height),
  ];
  return { picture: { pixels, width: canvas.width, height: canvas.height }, box };
}

// A smaller copy of a picture of `cut`, at most `side` pixels unless its box would be too small then, and the box
export function shrink({ picture, box }, side) {
  const factor = Math.max(1, Math.min(
    Math.ceil(Math.max(picture.width, picture.height) / side),
    Math.floor(Math.min(box[2] - box[0] + 1, box[3] - box[1] + 1) / MIN_SIDE),
  ));
  const width = Math.floor(picture.width / factor), height = Math.floor(picture.height / factor);
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 4; channel++) {
        let sum = 0;
        for (let i = 0; i < factor; i++) {
          for (let j = 0; j < factor; j++) sum += picture.pixels[((y * factor + i) * picture.width + x * factor + j) * 4 + channel];
        }
        pixels[(y * width + x) * 4 + channel] = sum / factor ** 2;
      }
    }
  }
  const inside = (value, limit) => Math.min(Math.floor(value / factor), limit - 1);
  return {
    picture: { pixels, width, height },
    box: [inside(box[0], width), inside(box[1], height), inside(box[2], width), inside(box[3], height)],
  };
}
