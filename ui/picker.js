// A click, a box or a stroke on the photo, drawn as it is made and told in shares of the photo's width and height.
let path = null; // shares of what is being drawn: [[x, y], …]
let cross = null; // where the keyboard's cross stands, and where a box of two presses begins
let corner = null;

const canvas = () => element.querySelector("canvas");
const kind = () => document.querySelector("#how input:checked")?.value ?? "Click";
const radius = () => Number(document.querySelector("#brush input[type=range]")?.value ?? 3) / 100;

// The photo lies in the middle of its place, as large as it fits.
function fit() {
  const box = canvas().getBoundingClientRect();
  const photo = element.querySelector("img");
  const [w, h] = [photo.naturalWidth || Number(photo.getAttribute("width")), photo.naturalHeight || Number(photo.getAttribute("height"))];
  const scale = Math.min(box.width / w, box.height / h);
  return { left: (box.width - w * scale) / 2, top: (box.height - h * scale) / 2, width: w * scale, height: h * scale, box };
}
const clamp = (v) => Math.min(Math.max(v, 0), 1);
function shares(event) {
  const at = fit();
  return [clamp((event.clientX - at.box.left - at.left) / at.width), clamp((event.clientY - at.box.top - at.top) / at.height)];
}

function draw() {
  const plane = canvas();
  if (!plane) return;
  const at = fit();
  const ratio = window.devicePixelRatio || 1;
  [plane.width, plane.height] = [at.box.width * ratio, at.box.height * ratio];
  const pen = plane.getContext("2d");
  pen.scale(ratio, ratio);
  const place = ([x, y]) => [at.left + x * at.width, at.top + y * at.height];
  if (cross) {
    const [x, y] = place(cross);
    pen.lineWidth = 1.5;
    for (const [ink, shift] of [["#000", 1], ["#fff", 0]]) {
      pen.strokeStyle = ink;
      pen.beginPath();
      pen.moveTo(x - 14, y + shift); pen.lineTo(x + 14, y + shift);
      pen.moveTo(x + shift, y - 14); pen.lineTo(x + shift, y + 14);
      pen.stroke();
    }
  }
  const drawn = path ?? (corner && cross ? [corner, cross] : null);
  if (!drawn) return;
  if (kind() === "Brush") {
    pen.strokeStyle = "rgba(255, 140, 40, .55)";
    pen.lineWidth = 2 * radius() * Math.max(at.width, at.height);
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    drawn.forEach((p, i) => pen[i ? "lineTo" : "moveTo"](...place(p)));
    pen.lineTo(...place(drawn.at(-1)));
    pen.stroke();
  } else if (kind() === "Box") {
    const [[x0, y0], [x1, y1]] = [place(drawn[0]), place(drawn.at(-1))];
    pen.lineWidth = 2;
    pen.strokeStyle = "#ffdc3c";
    pen.fillStyle = "rgba(255, 220, 60, .12)";
    pen.fillRect(x0, y0, x1 - x0, y1 - y0);
    pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
  }
}

const tell = (value, index) => { path = corner = null; trigger("select", { value, index }); };

function finish() {
  const made = path;
  if (!made) return;
  const [first, last] = [made[0], made.at(-1)];
  if (kind() === "Brush") tell("Brush", [radius(), ...made.flat()]);
  else if (kind() === "Click") tell("Click", last);
  else if (Math.hypot(last[0] - first[0], last[1] - first[1]) > 0.01) tell("Box", [...first, ...last]);
  else { path = null; draw(); } // a box of no size is a slip
}

element.addEventListener("pointerdown", (event) => {
  if (event.target !== canvas() || event.button) return;
  event.preventDefault();
  canvas().focus({ preventScroll: true });
  canvas().setPointerCapture(event.pointerId);
  cross = null;
  path = [shares(event)];
  draw();
});
element.addEventListener("pointermove", (event) => {
  if (!path) return;
  path.push(shares(event));
  draw();
});
element.addEventListener("pointerup", finish);
element.addEventListener("pointercancel", () => { path = null; draw(); });

element.addEventListener("keydown", (event) => {
  if (event.target !== canvas()) return;
  const step = event.shiftKey ? 0.1 : 0.02;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  if (event.key in moves) {
    event.preventDefault();
    const [x, y] = cross ?? [0.5, 0.5];
    cross = [clamp(x + moves[event.key][0]), clamp(y + moves[event.key][1])];
    draw();
  } else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    cross ??= [0.5, 0.5];
    if (kind() === "Click") tell("Click", cross);
    else if (kind() === "Brush") tell("Brush", [radius(), ...cross]);
    else if (corner) tell("Box", [...corner, ...cross]);
    else corner = cross;
    draw();
  }
});

// Another picture: what was drawn on the one before is done with.
watch("value", () => { path = corner = null; requestAnimationFrame(draw); });
