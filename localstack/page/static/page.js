// Chooses the view by the address's fragment and asks again while it is looked at.
import { byId, clock, el, table } from "./dom.js";
import { showFloor } from "./floor.js";
import { get, post } from "./local.js";

const VIEWS = {
  floor: [showFloor, 4000],
  events: [showEvents, 2000],
  queues: [showQueues, 2000],
  mail: [showMail, 4000],
  metrics: [showMetrics, 5000],
};
const chosen = { letter: null };
let timer = null;
let run = 0;

function current() {
  const name = location.hash.slice(1);
  return name in VIEWS ? name : "floor";
}

// One question at a time; an answer that comes after the view was changed asks no further.
async function refresh() {
  clearTimeout(timer);
  const mine = ++run;
  const [ask, pause] = VIEWS[current()];
  try {
    if (!document.hidden) await ask();
    say(`as of ${clock(Date.now() / 1000)}`);
  } catch (error) {
    say(error.message, true);
  }
  if (mine === run) timer = setTimeout(refresh, pause);
}

function say(words, bad = false) {
  byId("status").textContent = words;
  byId("status").classList.toggle("bad", bad);
  byId("status").setAttribute("aria-live", bad ? "polite" : "off"); // the time of day is not news
}

function turn() {
  const name = current();
  for (const view of Object.keys(VIEWS)) byId(view).hidden = view !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  window.scrollTo(0, 0);
  refresh();
}

async function showEvents() {
  const find = byId("find").value.trim();
  const events = await get(`events?limit=${find ? 500 : 60}&find=${encodeURIComponent(find)}`);
  const part = byId("type").value.trim();
  byId("stream").replaceChildren(table([
    ["At", (row) => clock(row.at)],
    ["Event", (row) => el("span", { class: row.severity === "error" || row.severity === "critical" ? "bad" : null },
      row.type)],
    ["Restaurant", (row) => row.restaurant],
    ["Booking", (row) => follow(row.booking)],
    ["Correlation", (row) => follow(row.correlation)],
    ["Context", (row) => el("code", { class: find ? null : "short" }, words(row.context))],
  ], events.filter((row) => row.type.includes(part)), "No events."));
}

function words(context) {
  return Object.entries(context).filter(([, value]) => value !== null)
    .sort(([, one], [, other]) => Number(typeof one === "object") - Number(typeof other === "object"))
    .map(([name, value]) => `${name} ${word(value)}`).join(" · ");
}

function word(value) {
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return JSON.stringify(value);
  return Object.entries(value).map(([name, inner]) => `${name}=${word(inner)}`).join(" ");
}

function follow(id) {
  if (!id) return "";
  const find = () => { byId("find").value = id; refresh(); };
  return el("button", { title: id, onclick: find }, id.slice(0, 8));
}

async function showQueues() {
  const queues = await get("queues");
  byId("queue-list").replaceChildren(table([
    ["Queue", (row) => row.id],
    ["Waiting", (row) => el("span", { class: row.deadLetters && row.visible ? "bad" : null }, String(row.visible)), "number"],
    ["In flight", (row) => String(row.inFlight), "number"],
    ["Delayed", (row) => String(row.delayed), "number"],
    ["Dead letters of", (row) => row.sources.join(", ")],
    ["", (row) => (row.deadLetters ? redrive(row) : "")],
    ["Redriven", (row) => el("span", {}, ...row.redrives.map((task) =>
      el("span", { class: task.failure ? "bad" : "quiet" },
        `${clock(task.at)} ${task.moved} ${task.failure || task.status.toLowerCase()} `)))],
  ], queues, "The template has no queues."));
}

function redrive(queue) {
  const send = async (event) => {
    event.target.disabled = true;
    try {
      await post(`queues/${queue.id}/redrive`);
      await refresh();
    } catch (error) {
      say(error.message, true);
    }
  };
  return el("button", { onclick: send, disabled: queue.visible === 0, "data-queue": queue.id }, "Redrive");
}

async function showMail() {
  const { count, items } = await get("mail");
  const links = items.map((item) =>
    el("button", { class: "letter-link", "aria-current": chosen.letter === item.id ? "true" : null,
      onclick: () => read(item.id) }, item.subject || "(no subject)",
    el("span", {}, `${clock(item.at)} to ${item.to}`)));
  const total = el("p", { class: "quiet" }, count > items.length ? `${items.length} of ${count} letters` : `${count} letters`);
  byId("letters").replaceChildren(total, ...links);
}

// The HTML stands in a frame without scripts, forms, links out or anything loaded from elsewhere.
async function read(id) {
  chosen.letter = id;
  try {
    show(await get(`mail/${id}`), id);
    await refresh();
    if (byId("letter").getBoundingClientRect().top > window.innerHeight) byId("letter").scrollIntoView();
  } catch (error) {
    say(error.message, true);
  }
}

function show(letter, id) {
  const parts = [el("dl", {}, ...letter.headers.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]))];
  if (letter.html) parts.push(el("iframe", { sandbox: "", title: "The letter's HTML", src: `mail/${id}/html` }));
  parts.push(el("h2", {}, "As text"), el("pre", {}, letter.text));
  if (letter.attached.length) parts.push(el("p", { class: "quiet" }, `With ${letter.attached.join(", ")}`));
  byId("letter").replaceChildren(...parts);
}

async function showMetrics() {
  const figures = await get(`metrics?minutes=${byId("minutes").value}`);
  const number = (name) => (row) => `${row.truncated ? "≥ " : ""}${Number(row[name].toPrecision(4))}`;
  byId("figures").replaceChildren(table([
    ["Metric", (row) => row.name],
    ["Dimensions", (row) => word(row.dimensions)],
    ["Count", number("count"), "number"],
    ["Sum", number("sum"), "number"],
    ["Median", number("p50"), "number"],
    ["P95", number("p95"), "number"],
    ["Maximum", number("max"), "number"],
  ], figures, "No values in this time."));
}

for (const id of ["restaurant", "day", "at", "minutes", "type"]) byId(id).addEventListener("input", refresh);
byId("find").addEventListener("change", refresh);
byId("find").addEventListener("search", refresh);
window.addEventListener("hashchange", turn);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
turn();
