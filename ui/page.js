// Keys, and what is held down: the parts of the page that Gradio has no event for. Runs once, when the page has loaded.
() => {
  if (window.burnishKeys) return;
  window.burnishKeys = true;
  const at = (id) => document.querySelector(id);
  const press = (id) => { const button = at(id); if (button && !button.disabled && button.offsetParent) button.click(); };
  const stage = () => at("#stage");
  const original = (on) => stage()?.classList.toggle("original", on);

  // In a field with text in it, keys belong to the text.
  const typing = (target) => {
    if (target.closest?.("textarea, input:not([type=range]):not([type=radio]):not([type=checkbox])") === null) return "";
    return target.value ? "text" : "empty";
  };

  document.addEventListener("keydown", (event) => {
    if (!stage()?.offsetParent || event.defaultPrevented) return;
    const inside = typing(event.target);
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && !event.altKey && (key === "z" || key === "y")) {
      if (inside === "text") return;
      event.preventDefault();
      press(key === "y" || event.shiftKey ? "#redo" : "#undo");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "escape") {
      if (inside) event.target.blur();
      else if (at("#loupe .view")?.offsetParent) press("#zoom");
      else if (at("#picker canvas")?.offsetParent) press("#choose");
      return;
    }
    if (inside) return;
    if (key === "o" || key === "\\") { if (!event.repeat) original(true); }
    else if (key === "z") press("#zoom");
    else if (key === "/") { event.preventDefault(); at("#box textarea")?.focus(); }
  });
  document.addEventListener("keyup", (event) => {
    if (["o", "\\", " ", "enter"].includes(event.key.toLowerCase())) original(false);
  });
  window.addEventListener("blur", () => original(false));

  // The button shows the photo as opened while it is held, by a finger, the mouse, or the space bar.
  document.addEventListener("pointerdown", (event) => { if (event.target.closest?.("#hold")) original(true); });
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => original(false));
  document.addEventListener("contextmenu", (event) => { if (event.target.closest?.("#hold")) event.preventDefault(); });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest?.("#hold") && (event.key === " " || event.key === "Enter")) {
      event.preventDefault();
      original(true);
    }
  });

  // A double click on the photo shows that place at 100 %.
  document.addEventListener("dblclick", (event) => {
    const picture = event.target.closest?.("#slider .content img");
    if (!picture || !picture.naturalWidth) return;
    const box = picture.getBoundingClientRect();
    const scale = Math.min(box.width / picture.naturalWidth, box.height / picture.naturalHeight);
    const share = (v, start, length, natural) => (v - start - (length - natural * scale) / 2) / (natural * scale);
    window.burnishLook = [
      share(event.clientX, box.left, box.width, picture.naturalWidth),
      share(event.clientY, box.top, box.height, picture.naturalHeight),
    ];
    press("#zoom");
  });

  // Gradio tells of a slider when the pointer lets go of it or its number is left; of one moved by keys not at all.
  let later = 0;
  document.addEventListener("keyup", (event) => {
    const range = event.target.closest?.(".amount input[type=range]");
    if (!range || !/^(Arrow|Page|Home|End)/.test(event.key)) return;
    clearTimeout(later);
    later = setTimeout(() => range.dispatchEvent(new PointerEvent("pointerup", { bubbles: true })), 400);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches?.(".amount input[type=number]")) {
      event.target.blur(); // which tells
      event.target.focus();
    }
  });

  // Names that a button of Gradio cannot carry.
  const named = {
    "#undo": ["Undo", "Control+Z"], "#redo": ["Redo", "Control+Shift+Z"], "#dark": ["Light or dark", ""],
    "#reference-open": ["A picture that it should look like", ""],
    "#hold": ["Hold to see the original", "O"], "#zoom": ["One pixel of the photo to one of the screen", "Z"],
  };
  const name = () => {
    // Gradio leaves some of its icons without a name.
    for (const icon of document.querySelectorAll('.icon-button[aria-label=""]')) icon.setAttribute("aria-label", "More");
    for (const [id, [text, keys]] of Object.entries(named)) {
      const button = at(id);
      if (!button || button.title) continue;
      button.title = keys ? `${text} (${keys.replace("Control", "Ctrl")})` : text;
      if (["#undo", "#redo", "#dark", "#reference-open"].includes(id)) button.setAttribute("aria-label", text); // shown as icons
      if (keys) button.setAttribute("aria-keyshortcuts", keys);
    }
  };
  name();
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
}
