// One pixel of the photo is one pixel of the screen, whatever the screen's scale; dragging moves the photo.
let drag = null;

function size() {
  const sheet = element.querySelector(".sheet");
  if (!sheet) return;
  const ratio = window.devicePixelRatio || 1;
  const width = `${sheet.dataset.width / ratio}px`;
  if (sheet.style.width === width) return;
  sheet.style.width = width;
  sheet.style.height = `${sheet.dataset.height / ratio}px`;
  const view = sheet.parentElement;
  const [x, y] = window.burnishLook ?? [0.5, 0.5];
  view.scrollLeft = x * sheet.offsetWidth - view.clientWidth / 2;
  view.scrollTop = y * sheet.offsetHeight - view.clientHeight / 2;
  view.focus({ preventScroll: true });
}

element.addEventListener("pointerdown", (event) => {
  const view = event.target.closest(".view");
  if (!view || event.pointerType !== "mouse") return; // fingers scroll by themselves
  event.preventDefault();
  drag = [view, event.clientX + view.scrollLeft, event.clientY + view.scrollTop];
  view.setPointerCapture(event.pointerId);
  view.focus({ preventScroll: true });
});
element.addEventListener("pointermove", (event) => {
  if (!drag) return;
  drag[0].scrollLeft = drag[1] - event.clientX;
  drag[0].scrollTop = drag[2] - event.clientY;
});
for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => { drag = null; });
element.addEventListener("dblclick", () => document.querySelector("#zoom")?.click());

watch("value", size);
size();
