// Draws what a host sees: the tables by zone, the guests at risk, those who wait, and all guests of the day.
// `view`: {house, day, isToday, floor, bookings, cases, refused}, as `room.js` has read it.
import { el } from "../dom.js";
import { actsOf, moveOf, nameOf, waits } from "./acts.js";
import { clock } from "./time.js";

const STATES = {
  created: "new", assignment_pending: "waits", assignment_in_progress: "being planned", manual_review: "needs a person",
  confirmed: "expected", seated: "seated", completed: "has left", no_show: "did not come",
};

export const stateWords = (booking) => STATES[booking.state] ?? booking.state;
export const tableName = (table) => table.name || table.id;
export const tableNamed = (view, id) => tableName(view.house.tables.find((each) => each.id === id) ?? { id });
export const tablesNamed = (view, ids) => ids.map((id) => tableNamed(view, id)).join(" + ");
export const seatsOf = (table) => (table.capacity === 1 ? "1 seat" : `${table.capacity} seats`);

const FAR_MILLISECONDS = 18 * 3_600_000; // from here on a time alone could be another day's

export function until(view, moment) {
  const far = Date.parse(moment) - (view.at ?? Date.parse(view.floor.asOf)) > FAR_MILLISECONDS;
  return `until ${far ? `${moment.slice(0, 10)} ` : ""}${clock(moment)}`;
}

// A party of the evening before may still sit there: then the floor knows it, and the list of the day does not.
export function bookingOf(view, party) {
  return view.bookings.get(party.bookingId) ?? {
    id: party.bookingId, reference: party.reference, state: party.state, partySize: party.partySize, tables: [],
    guest: { name: party.name }, startAt: party.since, endAt: party.until, arrivedAt: party.arrived ? party.since : null,
  };
}

export const isBlocked = (seen) => seen.status === "out_of_service" && Boolean(seen.until);

export function statusWords(view, seen) {
  if (isBlocked(seen)) return `blocked ${until(view, seen.until)}`;
  const words = { held: "on hold", out_of_service: "out of service" }[seen.status] ?? seen.status;
  return seen.until ? `${words} ${until(view, seen.until)}` : words;
}

export function zonesOf(view) {
  const seen = new Map(view.floor.tables.map((each) => [each.id, each]));
  const zones = [...view.house.zones].sort((one, other) => (one.position ?? 0) - (other.position ?? 0));
  return zones
    .map((zone) => [zone, view.house.tables.filter((table) => table.zone === zone.id && seen.has(table.id))])
    .filter(([, tables]) => tables.length)
    .map(([zone, tables]) => [zone, tables.map((table) => [table, seen.get(table.id)])]);
}

export function drawTables(view, open) {
  return zonesOf(view).flatMap(([zone, tables]) => [
    el("h3", { tabindex: "-1" }, zone.name || zone.id),
    el("ul", { class: "tables" }, ...tables.map(([table, seen]) => card(view, table, seen, open))),
  ]);
}

function card(view, table, seen, open) {
  const { party } = seen;
  const booking = party ? bookingOf(view, party) : null;
  const words = [statusWords(view, seen), ...marksOf(view, table, seen)];
  const lines = [
    el("span", { class: "head" }, el("b", {}, tableName(table)), el("small", {}, seatsOf(table))),
    party ? el("span", { class: "party" }, `${nameOf(booking)} · ${party.partySize}`) : null,
    el("span", { class: "words" }, words[0]),
    words.length > 1 ? badges(words.slice(1)) : null,
    seen.next ? el("small", {}, nextWords(view, seen.next)) : null,
  ];
  const said = [`Table ${tableName(table)}`, seatsOf(table), party ? `${nameOf(booking)}, party of ${party.partySize}` : null,
    ...words, seen.next ? nextWords(view, seen.next) : null];
  const face = el("button", {
    type: "button", class: "face", "data-key": `table:${table.id}`, "aria-haspopup": "dialog",
    "aria-label": said.filter(Boolean).join(", "), ...drag(booking), onclick: () => open.table(table.id),
  }, ...lines);
  const refused = view.refused?.table === table.id ? view.refused.shown : null;
  return el("li", { class: `card ${isBlocked(seen) ? "blocked" : seen.status}`, "data-table": table.id }, face, refused);
}

function marksOf(view, table, seen) {
  const { party } = seen;
  const marks = [
    party?.overTime && "over time",
    party?.late && "late",
    party?.arrived && party.state !== "seated" && "in the house",
    party && riskOf(view, party.bookingId) && "at risk",
    table.walkInOnly && "walk-ins only",
  ];
  return marks.filter(Boolean);
}

const badges = (marks) => el("span", { class: "badges" }, ...marks.map((mark) =>
  el("span", { class: `badge ${mark.replaceAll(" ", "-")}` }, mark)));

export const riskOf = (view, id) => view.floor.conflicts.find((each) => each.bookingId === id);

export function nextWords(view, next) {
  const booking = view.bookings.get(next.bookingId);
  return `then ${clock(next.at)}${booking ? ` ${nameOf(booking)} · ${booking.partySize}` : ""}`;
}

function drag(booking) {
  if (!booking || !actsOf(booking, true).includes(moveOf(booking))) return {};
  return { "data-booking": booking.id, "data-name": `${nameOf(booking)} · ${booking.partySize}` };
}

export function drawRisks(view, open) {
  if (!view.floor.conflicts.length) return [];
  const items = view.floor.conflicts.map((risk) => {
    const booking = view.bookings.get(risk.bookingId);
    const words = booking ? line(view, booking) : [el("b", {}, tablesNamed(view, risk.tables))];
    return row(`risk:${risk.bookingId}`, booking, open, [...words, el("span", { class: "bad" }, risk.problem)]);
  });
  return [el("h3", { tabindex: "-1" }, "Guests at risk"), el("ul", { class: "guests" }, ...items)];
}

export function drawWaiting(view, open) {
  const items = [...view.bookings.values()].filter(waits).map((booking) =>
    row(`waiting:${booking.id}`, booking, open, [
      ...line(view, booking), el("span", { class: "quiet" }, view.cases.get(booking.id)?.reason?.detail ?? "")]));
  return listOf("Waiting for a table", items, "Everybody has a table.");
}

export function drawGuests(view, open) {
  const items = [...view.bookings.values()].filter((booking) => !waits(booking) && booking.state in STATES)
    .map((booking) => row(`guest:${booking.id}`, booking, open, line(view, booking)));
  return listOf("Guests of the day", items, "Nobody is booked.");
}

const listOf = (title, items, nothing) => [
  el("h3", { tabindex: "-1" }, title),
  items.length ? el("ul", { class: "guests" }, ...items) : el("p", { class: "quiet" }, nothing),
];

function line(view, booking) {
  const marks = [
    booking.late && "late", booking.state === "confirmed" && booking.arrivedAt && "in the house",
    riskOf(view, booking.id) && "at risk",
  ].filter(Boolean);
  return [
    el("span", { class: "time" }, clock(booking.startAt)),
    el("b", {}, `${nameOf(booking)} · ${booking.partySize}`),
    booking.tables.length ? el("span", {}, tablesNamed(view, booking.tables)) : null,
    el("span", { class: "words" }, stateWords(booking)),
    marks.length ? badges(marks) : null,
  ];
}

function row(key, booking, open, parts) {
  const words = parts.filter(Boolean);
  if (!booking) return el("li", {}, el("p", {}, ...words));
  return el("li", {}, el("button", {
    type: "button", class: "guest", "data-key": key, "aria-haspopup": "dialog", ...drag(booking),
    onclick: () => open.guest(booking, key),
  }, ...words));
}
