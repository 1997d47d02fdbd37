// One service day: the host's view of it, and its timeline, a row a table, a block a stay, a hold or a party that waits.
import { byId, el, fill, table } from "./dom.js";
import { openRoom } from "./host/room.js";
import { apiToken, get } from "./local.js";

const LEGEND = [
  ["", "confirmed"], ["seated", "seated"], ["completed", "has left"], ["hold", "hold"], ["blocked", "blocked"],
  ["pending", "waits for a table"], ["ghost", "moved away from here"],
];

const KINDS = { hold: "hold", block: "blocked" };
const room = openRoom(byId("room"), { base: location.origin, token: apiToken });
let chosenFor = null;

export async function showFloor() {
  const restaurants = await get("restaurants");
  fill(byId("restaurant"), restaurants.map((each) => [each.id, `${each.name} (${each.id})`]));
  const restaurant = byId("restaurant").value;
  byId("evening").hidden = !restaurant;
  byId("nobody").hidden = Boolean(restaurant);
  if (!restaurant) return;
  const [days, today] = await Promise.all([
    get(`restaurants/${encodeURIComponent(restaurant)}/days`), room.today(restaurant),
  ]);
  if (byId("restaurant").value !== restaurant) return; // another one was chosen meanwhile, and is asked for already
  const day = chooseDay(restaurant, days, today);
  const isChosen = () => byId("restaurant").value === restaurant && byId("day").value === day;
  await Promise.all([
    get(`restaurants/${encodeURIComponent(restaurant)}/days/${day}`).then((floor) => { if (isChosen()) draw(floor); }),
    room.show({ restaurant, day, time: byId("at").value }),
  ]);
}

// Of a restaurant that is shown for the first time: today, or if nothing is on today the last day with anything.
function chooseDay(restaurant, days, today) {
  const counts = new Map([[today, 0], ...days.map((each) => [each.day, each.bookings])]);
  const options = [...counts].sort(([one], [other]) => (one < other ? 1 : -1));
  fill(byId("day"), options.map(([day, count]) => [day, `${day === today ? "today, " : ""}${day} (${count})`]));
  if (chosenFor !== restaurant) {
    byId("day").value = counts.get(today) || !days.length ? today : days[0].day;
    chosenFor = restaurant;
  }
  return byId("day").value;
}

function draw(floor) {
  const old = document.querySelector("#timeline .scroll");
  const scrolled = old ? old.scrollLeft : 0;
  const scroll = el("div", { class: "scroll" }, el("div", { class: "floor" }, ...rows(floor)));
  byId("timeline").replaceChildren(scroll, legend(floor));
  scroll.scrollLeft = scrolled;
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
      ...stays.map((stay) => block(floor, stay, KINDS[stay.kind] ?? stay.state))));
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
  if (kind === "blocked") return blocked(floor, stay);
  const marks = [stay.moved ? "↔" : "", stay.pinned ? "●" : ""].join("");
  if (kind === "ghost") return away(floor, stay);
  const text = kind === "hold" ? `${stay.party} on hold until ${stay.expiresWords}` : `${stay.party} ${marks} ${stay.reference}`;
  const parts = [stay.words, `party of ${stay.party}`, stay.guest, stay.reference, stay.state, stay.reason,
    stay.moved ? "was moved" : "", stay.pinned ? "pinned" : ""];
  const title = parts.filter(Boolean).join(", ");
  return placed(floor, el("div", { class: `block ${kind}`, title }, text), stay.starts, stay.ends);
}

function blocked(floor, block) {
  const title = ["blocked", block.words, block.reason].filter(Boolean).join(", ");
  const starts = Math.max(block.starts, floor.begins);
  const ends = Math.min(block.ends, floor.ends);
  return ends > starts ? placed(floor, el("div", { class: "block blocked", title }, block.reason ?? "blocked"), starts, ends) : null;
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
