// A region's overlay lies over the slider's photo while its chip is pointed at or has the focus; a tap keeps it there.
const shown = { now: "", kept: "" };

function paint() {
  const stage = document.querySelector("#slider");
  if (!stage) return;
  let plane = stage.querySelector(":scope > .region-overlay");
  if (!plane) {
    plane = document.createElement("img");
    plane.className = "region-overlay";
    plane.alt = "";
    stage.append(plane);
  }
  const wanted = shown.now || shown.kept;
  if (wanted && plane.getAttribute("src") !== wanted) plane.src = wanted;
  // The photo may be zoomed: the overlay goes with it.
  plane.style.transform = stage.querySelector(".content img")?.style.transform ?? "";
  plane.classList.toggle("shown", Boolean(wanted));
}

const chip = (event) => event.target.closest?.(".chip");
const point = (event) => { const at = chip(event); if (at) { shown.now = at.dataset.overlay; paint(); } };
const leave = () => { shown.now = ""; paint(); };

element.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") point(event); });
element.addEventListener("pointerout", (event) => { if (event.pointerType === "mouse") leave(); });
element.addEventListener("focusin", (event) => { if (chip(event)?.matches(":focus-visible")) point(event); });
element.addEventListener("focusout", leave);
element.addEventListener("click", (event) => {
  const at = chip(event);
  if (!at) return;
  if (event.pointerType === "touch") {
    shown.kept = shown.kept === at.dataset.overlay ? "" : at.dataset.overlay;
    paint();
  }
  trigger("select", { index: 0, value: at.dataset.region });
});
// Another photo has other regions.
watch("value", () => { shown.now = ""; if (!element.querySelector(`[data-overlay="${shown.kept}"]`)) shown.kept = ""; paint(); });
