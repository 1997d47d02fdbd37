// A party is dragged with the mouse or a pen from where it stands to a table. A finger scrolls; it has the menus.

const STARTS_AFTER = 6; // pixels

// `drop(booking, table)`: both ids. Nothing may be drawn anew while something `isPressed()`: its click would be lost.
export function draggable(root, drop) {
  let from = null;
  let pressed = false;

  root.addEventListener("pointerdown", (event) => {
    pressed = true;
    const source = event.target.closest("[data-booking]");
    if (!source || event.button !== 0 || event.pointerType === "touch") return;
    from = { source, x: event.clientX, y: event.clientY, label: null };
  });
  window.addEventListener("pointermove", (event) => {
    if (!from) return;
    if (!from.label && Math.hypot(event.clientX - from.x, event.clientY - from.y) < STARTS_AFTER) return;
    from.label ??= lift(root, from.source);
    from.label.style.left = `${event.clientX + 8}px`;
    from.label.style.top = `${event.clientY + 8}px`;
    mark(root, under(event));
  });
  window.addEventListener("pointerup", (event) => {
    const dragged = from;
    end();
    release();
    if (!dragged?.label) return;
    swallowClick();
    const table = under(event)?.dataset.table;
    if (table !== undefined) drop(dragged.source.dataset.booking, table);
  });
  window.addEventListener("pointercancel", () => {
    end();
    release();
  });
  window.addEventListener("keydown", (event) => { if (event.key === "Escape") end(); });

  function end() {
    from?.label?.remove();
    mark(root, null);
    from = null;
  }

  // Only after the click that follows.
  function release() {
    setTimeout(() => { pressed = false; });
  }

  return { isPressed: () => pressed };
}

function lift(root, source) {
  const label = document.createElement("div");
  label.className = "dragged";
  label.textContent = source.dataset.name;
  root.append(label);
  return label;
}

const under = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-table]");

function mark(root, target) {
  for (const each of root.querySelectorAll(".target")) each.classList.toggle("target", each === target);
  target?.classList.add("target");
}

// The click that a browser makes of the button's release, if it makes one, comes before the next task.
function swallowClick() {
  const swallow = (event) => { event.stopPropagation(); event.preventDefault(); };
  window.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => window.removeEventListener("click", swallow, { capture: true }));
}
