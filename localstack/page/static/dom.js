// Small helpers: elements are made, never parsed from text, so that nothing a guest wrote becomes markup.

export const byId = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// `columns`: [heading, row => text or element, class?]
export function table(columns, rows, nothing) {
  if (!rows.length) return el("p", { class: "quiet" }, nothing);
  const head = el("tr", {}, ...columns.map(([name, , kind]) => el("th", { class: kind ?? null }, name)));
  const body = rows.map((row) =>
    el("tr", {}, ...columns.map(([name, cell, kind]) =>
      el("td", { class: kind ?? null, "data-name": name }, el("span", {}, cell(row) ?? "")))));
  return el("div", { class: "scroll" },
    el("table", { class: "cards" }, el("thead", {}, head), el("tbody", {}, ...body)));
}

// Keeps what the user chose, if it is still there.
export function fill(select, options) {
  const wanted = options.map(([value]) => String(value));
  const present = [...select.options].map((option) => option.value);
  if (JSON.stringify(wanted) === JSON.stringify(present)) return;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, label]) => el("option", { value }, label)));
  if (wanted.includes(chosen)) select.value = chosen;
}

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB");
