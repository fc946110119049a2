// The page: pictures come in from files, the clipboard, the camera or the examples; answers go out.
import crop from "./crop.js";
import { decode, cut, shrink, PictureError } from "./picture.js";

const OCCLUSION_SIDE = 64; // pixels at most, of the picture that is covered patch by patch
const ORANGE = [255, 110, 0], BLUE = [0, 90, 255];
const $ = (selector) => document.querySelector(selector);
const edges = [...document.querySelectorAll("#edges input")]; // left, top, right, bottom

let page, pictograms, occlusion, network; // page.json, the URLs of its signs and two modules, once they have loaded
let bitmap, box; // the picture shown and the box of its sign
let shown = 0; // pictures: a later one replaces an earlier one that is still decoded
let turn = 0; // of answers: a later one stops what an earlier one still computes

const say = (text, isError = false) => {
  $("#status").textContent = text;
  $("#status").classList.toggle("error", isError);
};
const complain = (text) => say(text, true);
const whole = () => [0, 0, bitmap.width - 1, bitmap.height - 1];

async function show(blob) {
  const mine = ++shown;
  if (blob !== $("#file").files[0]) $("#file").value = ""; // so that the same file can be chosen again
  try {
    const decoded = await decode(blob);
    if (mine !== shown) return decoded.close();
    bitmap?.close();
    bitmap = decoded;
  } catch (error) {
    if (mine === shown) complain(error.message);
    return;
  }
  box = whole();
  showCrop();
  await update();
}

function showCrop() {
  const preview = new OffscreenCanvas(Math.min(bitmap.width, 800), 1);
  preview.height = Math.max(1, Math.round((bitmap.height * preview.width) / bitmap.width));
  preview.getContext("2d").drawImage(bitmap, 0, 0, preview.width, preview.height);
  preview.convertToBlob({ type: "image/jpeg" }).then((blob) => drawCrop(URL.createObjectURL(blob)));
}

let preview;
function drawCrop(url) {
  if (url) {
    URL.revokeObjectURL(preview);
    preview = url;
  }
  const isWhole = box.join() === whole().join();
  $("#box").hidden = false;
  crop({
    data: { url: preview, width: bitmap.width, height: bitmap.height, box: isWhole ? null : box },
    parentElement: $("#crop"),
    setTriggerValue: (_, drawn) => setBox(drawn),
  });
  edges.forEach((input, i) => {
    input.value = box[i];
    input.max = [bitmap.width, bitmap.height][i % 2] - 1;
  });
  $("#whole").disabled = isWhole;
}

function setBox(corners) {
  const clamp = (value, side) => Math.min(Math.max(Math.round(value) || 0, 0), side - 1);
  const [x1, y1, x2, y2] = corners.map((value, i) => clamp(value, [bitmap.width, bitmap.height][i % 2]));
  box = [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
  drawCrop();
  update();
}

async function update() {
  if (!network || !bitmap) return;
  const mine = ++turn;
  try {
    const part = cut(bitmap, box);
    const { probabilities, input } = await network.answer(part.picture, part.box);
    if (mine !== turn) return;
    say("");
    showAnswer(probabilities);
    showInput(input);
    const small = shrink(part, OCCLUSION_SIDE);
    $("#occlusion").hidden = true;
    $("#occlusion-caption").textContent = "What the answer rests on: being computed ...";
    const best = probabilities.indexOf(Math.max(...probabilities));
    const map = await occlusion.occlusionMap(small, best, network.answer, () => mine === turn);
    if (map) showOcclusion(small.picture, map, page.names[best]);
  } catch (error) {
    if (mine !== turn) return;
    if (!(error instanceof PictureError)) console.error(error);
    $("#result").replaceChildren();
    $("#looks").hidden = true;
    complain(error.message);
  }
}

const percent = (share) => (share > 0 && share < 0.0005 ? "< 0.1%" : share < 1 && share >= 0.9995 ? "> 99.9%" : `${(100 * share).toFixed(1)}%`);

function showAnswer(probabilities) {
  const best = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, 5);
  const rows = best.map((sign) => {
    const row = document.createElement("div");
    row.className = "sign";
    const image = Object.assign(document.createElement("img"), { src: pictograms[sign], alt: "" });
    const name = Object.assign(document.createElement("b"), { textContent: page.names[sign] });
    const share = Object.assign(document.createElement("span"), { textContent: percent(probabilities[sign]) });
    const bar = Object.assign(document.createElement("div"), { className: "bar" });
    bar.append(document.createElement("div"));
    bar.firstChild.style.width = `${100 * probabilities[sign]}%`;
    row.append(image, name, share, bar);
    return row;
  });
  const highest = probabilities[best[0]];
  if (highest < page.unsure_below) {
    const textContent = highest < page.unknown_below ? page.marks.unknown : page.marks.unsure;
    rows.splice(1, 0, Object.assign(document.createElement("span"), { className: "mark", textContent }));
  }
  const answer = document.createElement("div");
  answer.className = "prediction";
  answer.append(...rows);
  $("#result").replaceChildren(answer);
}

// What the network gets: its first three channels
function showInput({ levels, size, channels }) {
  const scale = levels instanceof Uint8Array ? 1 : 255;
  paint($("#input"), size, size, (i) => [0, 1, 2].map((channel) => levels[i * channels + channel] * scale));
  $("#looks").hidden = false;
}

// The picture in grey, orange where it speaks for the answer, blue where against it
function showOcclusion({ pixels, width, height }, map, name) {
  const largest = Math.max(1e-9, ...map.map(Math.abs));
  paint($("#occlusion"), width, height, (i) => {
    const grey = 0.35 * 255 + 0.65 * (0.299 * pixels[4 * i] + 0.587 * pixels[4 * i + 1] + 0.114 * pixels[4 * i + 2]);
    const weight = map[i] / largest, opacity = 0.75 * Math.abs(weight);
    return (weight > 0 ? ORANGE : BLUE).map((level) => grey * (1 - opacity) + level * opacity);
  });
  $("#occlusion").hidden = false;
  $("#occlusion-caption").textContent =
    `What the answer rests on: covering an orange area makes \u201c${name}\u201d less probable, covering a blue one more probable`;
}

function paint(canvas, width, height, color) {
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data.set([...color(i), 255], 4 * i);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Where pictures come from
$("#file").addEventListener("change", ({ target }) => target.files[0] && show(target.files[0]));
document.addEventListener("paste", ({ clipboardData }) => clipboardData.files[0] && show(clipboardData.files[0]));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  $("#drop").classList.add("over");
});
document.addEventListener("dragleave", () => $("#drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("#drop").classList.remove("over");
  if (event.dataTransfer.files[0]) show(event.dataTransfer.files[0]);
});
edges.forEach((input) => input.addEventListener("change", () => setBox(edges.map(({ value }) => Number(value)))));
$("#whole").addEventListener("click", () => setBox(whole()));

const video = $("#viewfinder video");
const stopCamera = () => {
  video.srcObject?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
};
const closeCamera = () => {
  stopCamera();
  $("#viewfinder").hidden = true;
  $("#camera").disabled = false;
  $("#camera").focus();
};
$("#camera").addEventListener("click", async () => {
  $("#camera").disabled = true; // until it is closed: a second start would leave the first one on
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    await video.play();
    $("#viewfinder").hidden = false;
    $("#shoot").focus();
  } catch {
    closeCamera();
    complain("No camera: there is none, or this page may not use it.");
  }
});
$("#close").addEventListener("click", closeCamera);
$("#shoot").addEventListener("click", async () => {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext("2d").drawImage(video, 0, 0);
  closeCamera();
  await show(await canvas.convertToBlob({ type: "image/png" }));
});

// The examples, the pictograms, the results and the network, all fetched now: later the page needs no connection
async function fetchFile(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response;
}

async function load() {
  page = await (await fetchFile("page.json")).json();
  const fetchImage = async (path) => (await fetchFile(path)).blob();
  pictograms = await Promise.all(page.names.map(async (_, sign) => URL.createObjectURL(await fetchImage(`pictograms/${sign}.png`))));
  for (const { sign, name } of page.examples) {
    const blob = await fetchImage(`examples/${sign}.png`);
    const button = Object.assign(document.createElement("button"), { type: "button", title: name });
    button.append(Object.assign(document.createElement("img"), { src: URL.createObjectURL(blob), alt: name }));
    button.addEventListener("click", () => show(blob));
    $("#examples").append(button);
  }
  for (const { file, caption } of page.results) {
    const figure = document.createElement("figure");
    figure.append(
      Object.assign(document.createElement("img"), { src: `results/${file}`, alt: caption }),
      Object.assign(document.createElement("figcaption"), { textContent: caption }),
    );
    $("#results").append(figure);
  }
  occlusion = await import("./occlusion.js");
  network = await import("./network.js");
}

try {
  await load();
  const complained = $("#status").classList.contains("error"); // about a picture that was chosen meanwhile
  if (!complained) say("");
  if (bitmap) await update();
  else if (!complained) $("#examples button").click();
} catch (error) {
  complain(`This page cannot be loaded: ${error.message}`);
}
document.documentElement.dataset.ready = "true";
