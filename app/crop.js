// A picture on which a box can be drawn. Triggers `drawn` with [x1, y1, x2, y2] in pixels of the picture, both corners inclusive.
export default function ({ data, parentElement, setTriggerValue }) {
  const stage = parentElement.querySelector(".stage");
  const frame = parentElement.querySelector(".frame");
  const { url, width, height, box } = data;
  stage.querySelector("img").src = url;
  stage.style.aspectRatio = `${width} / ${height}`;
  stage.style.maxWidth = `min(100%, ${(24 * width) / height}rem)`;

  const show = (box) => {
    frame.hidden = !box;
    if (!box) return;
    const [x1, y1, x2, y2] = box;
    frame.style.left = `${(100 * x1) / width}%`;
    frame.style.top = `${(100 * y1) / height}%`;
    frame.style.width = `${(100 * (x2 + 1 - x1)) / width}%`;
    frame.style.height = `${(100 * (y2 + 1 - y1)) / height}%`;
  };
  show(box);

  const toPixel = (event) => {
    const { left, top, width: w, height: h } = stage.getBoundingClientRect();
    const clamp = (share, side) => Math.min(side - 1, Math.max(0, Math.floor(share * side)));
    return [clamp((event.clientX - left) / w, width), clamp((event.clientY - top) / h, height)];
  };
  let start = null;
  const boxTo = (event) => {
    const end = toPixel(event);
    return [0, 1].map((axis) => Math.min(start[axis], end[axis])).concat([0, 1].map((axis) => Math.max(start[axis], end[axis])));
  };
  stage.onpointerdown = (event) => {
    start = toPixel(event);
    stage.setPointerCapture(event.pointerId);
    event.preventDefault();
  };
  stage.onpointermove = (event) => start && show(boxTo(event));
  stage.onpointerup = (event) => {
    if (!start) return;
    const [x1, y1, x2, y2] = boxTo(event);
    start = null;
    if (x2 > x1 && y2 > y1) setTriggerValue("drawn", [x1, y1, x2, y2]);
    else show(box); // a click, not a box
  };
  stage.onpointercancel = () => {
    start = null;
    show(box);
  };
}
