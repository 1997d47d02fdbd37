// One service day: a row a table, a block a stay, a hold or a party that waits.
import { byId, el, fill, get, table } from "./dom.js";

const LEGEND = [
  ["", "confirmed"], ["seated", "seated"], ["completed", "has left"], ["hold", "hold"],
  ["pending", "waits for a table"], ["ghost", "moved away from here"],
];

export async function showFloor() {
  const restaurants = await get("restaurants");
  fill(byId("restaurant"), restaurants.map((each) => [each.id, `${each.name} (${each.id})`]));
  const restaurant = byId("restaurant").value;
  if (!restaurant) {
    byId("timeline").replaceChildren(el("p", { class: "quiet" }, "No restaurant yet: PUT /restaurants/{id} makes one."));
    return;
  }
  const days = await get(`restaurants/${encodeURIComponent(restaurant)}/days`);
  fill(byId("day"), days.map((each) => [each.day, `${each.day} (${each.bookings})`]));
  const day = byId("day").value;
  if (!day) {
    byId("timeline").replaceChildren(el("p", { class: "quiet" }, "Nothing is booked yet."));
    return;
  }
  draw(await get(`restaurants/${encodeURIComponent(restaurant)}/days/${day}`));
}

function draw(floor) {
  const old = document.querySelector("#timeline .scroll");
  const scrolled = old ? old.scrollLeft : 0;
  const scroll = el("div", { class: "scroll" }, el("div", { class: "floor" }, ...rows(floor)));
  byId("timeline").replaceChildren(scroll, legend(floor));
  scroll.scrollLeft = scrolled;
  byId("pending").replaceChildren(table([
    ["When", (row) => row.words], ["Party", (row) => String(row.party), "number"],
    ["Booking", (row) => `${row.reference} ${row.guest}`], ["State", (row) => row.state.replaceAll("_", " ")],
    ["Reason", (row) => row.reason],
  ], floor.pending, "Everybody has a table."));
  byId("moves").replaceChildren(table([
    ["At", (row) => row.atWords], ["Booking", (row) => `${row.reference}, ${row.words}`],
    ["From", (row) => row.from_tables.join(" + ")], ["To", (row) => row.to_tables.join(" + ")],
    ["For", (row) => row.moved_for ?? row.reason],
  ], floor.moves, "Nobody was moved."));
}

function rows(floor) {
  const made = [row("", ...hours(floor, true))];
  const waiting = lanes(floor.pending);
  waiting.forEach((stays, place) => made.push(
    row(place ? "" : "waiting", ...hours(floor), ...stays.map((stay) => block(floor, stay, "pending")))));
  let zone = null;
  const tables = [...floor.tables].sort((one, other) => (one.zone < other.zone ? -1 : one.zone > other.zone ? 1 : 0));
  for (const each of tables) {
    if (each.zone !== zone) made.push(el("div", { class: "row zone" }, el("span", {}, each.zone)));
    zone = each.zone;
    const stays = floor.stays.filter((stay) => stay.table === each.id);
    const left = floor.moves.filter((move) => move.from_tables.includes(each.id));
    made.push(row(
      el("span", {}, `${each.id} `, el("small", { class: "quiet" }, `(${each.capacity})`)),
      ...hours(floor),
      ...left.map((move) => block(floor, move, "ghost")),
      ...stays.map((stay) => block(floor, stay, stay.kind === "hold" ? "hold" : stay.state))));
  }
  return made;
}

// Parties that wait at the same time stand below each other.
function lanes(stays) {
  const found = [];
  for (const stay of stays) {
    const free = found.find((lane) => lane.at(-1).ends <= stay.starts);
    if (free) free.push(stay);
    else found.push([stay]);
  }
  return found;
}

function row(name, ...inside) {
  return el("div", { class: "row" }, el("div", { class: "name" }, name), el("div", { class: "lane" }, ...inside));
}

const share = (floor, at) => `${(100 * (at - floor.begins)) / (floor.ends - floor.begins)}%`;

function hours(floor, labelled = false) {
  const made = floor.hours.map((hour) => placed(floor, el("span", { class: "hour" }, labelled ? hour.label : ""), hour.at));
  const now = Date.now() / 1000;
  if (now > floor.begins && now < floor.ends) made.push(placed(floor, el("span", { class: "now", title: "now" }), now));
  return made;
}

function placed(floor, element, starts, ends = null) {
  element.style.left = share(floor, starts);
  if (ends !== null) element.style.width = `calc(${share(floor, floor.begins + ends - starts)} - 2px)`;
  return element;
}

function block(floor, stay, kind) {
  const hold = stay.kind === "hold";
  const marks = [stay.moved ? "↔" : "", stay.pinned ? "●" : ""].join("");
  if (kind === "ghost") return away(floor, stay);
  const text = hold ? `${stay.party} on hold until ${stay.expiresWords}` : `${stay.party} ${marks} ${stay.reference}`;
  const parts = [stay.words, `party of ${stay.party}`, stay.guest, stay.reference, stay.state,
    stay.moved ? "was moved" : "", stay.pinned ? "pinned" : ""];
  const title = parts.filter(Boolean).join(", ");
  return placed(floor, el("div", { class: `block ${kind}`, title }, text), stay.starts, stay.ends);
}

function away(floor, move) {
  const to = move.to_tables.join(" + ");
  const title = `${move.reference}, ${move.words}, was moved from here to ${to}`;
  const label = el("span", {}, `${move.reference} → ${to}`);
  return placed(floor, el("div", { class: "block ghost", title }, label), move.starts, move.ends);
}

function legend(floor) {
  return el("p", { class: "legend" },
    ...LEGEND.map(([kind, words]) => el("span", {}, el("i", { class: `block ${kind}` }), words)),
    el("span", {}, "↔ was moved"), el("span", {}, "● pinned"),
    el("span", {}, "(seats)"), el("span", {}, `times of ${floor.timezone}`));
}
