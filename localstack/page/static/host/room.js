// The host's view of a restaurant: it reads the floor and its guests, draws them, and lets a person act.
// It needs an element, the API's address and a function that gives a token; of where it runs it knows nothing.
import { el } from "../dom.js";
import { callOf, moveOf, nameOf } from "./acts.js";
import { client } from "./client.js";
import { draggable } from "./drag.js";
import { focusOn, menus, refusal } from "./menu.js";
import { instant, opening, serviceDay } from "./time.js";
import { drawGuests, drawRisks, drawTables, drawWaiting, tableNamed } from "./view.js";

const HOUSE_MILLISECONDS = 60_000; // how old the floor document may be
const CASES_MILLISECONDS = 20_000; // alternatives are planned for each answer, so they are not asked for at every turn

// `token(renew)`: a promise of a bearer token with all scopes. Returns {today, show}.
export function openRoom(root, { base, token }) {
  const api = client(base, token);
  let view = null;
  let asked = null;
  let turn = 0;
  let house = null; // {restaurant, document, at}
  let cases = null; // {key, found, at}
  let drawn = "";
  let refusals = 0;

  const said = el("p", { class: "said", role: "status" });
  const parts = ["at risk", "tables", "waiting", "guests"].map((name) => el("div", { class: "part", "data-part": name }));
  const [risks, tables, waiting, guests] = parts;
  const door = el("button", {
    type: "button", class: "door", "data-key": "door", "aria-haspopup": "dialog", onclick: () => open.walkIn(null, "door"),
  }, "Walk-in…");
  const anew = el("button", {
    type: "button", class: "door", "data-key": "shift", "aria-haspopup": "dialog", onclick: () => open.shift(),
  }, "Seat anew…");
  root.classList.add("room");
  root.replaceChildren(el("div", { class: "bar" }, door, anew, said), ...parts);

  const open = menus(root, {
    view: () => view, act, read: api.read, say, refresh,
  });
  const pointer = draggable(root, drop);

  function say(words, bad = false) {
    said.textContent = words;
    said.classList.toggle("bad", bad);
  }

  function act(call) {
    view.refused = null; // what was refused before is over
    return api.act(...call);
  }

  function refresh() {
    return show(asked).catch((error) => say(error.message, true));
  }

  // The service day of now.
  async function today(restaurant) {
    return serviceDay(await houseOf(restaurant), new Date());
  }

  // Shows a service day: the floor `time` (HH:MM) of it, or as it is now, or on another day as it opens.
  async function show({ restaurant, day, time }) {
    const mine = ++turn;
    asked = { restaurant, day, time };
    const document = await houseOf(restaurant);
    const isToday = day === serviceDay(document, new Date());
    const at = isToday && !time ? null : instant(document.timezone, day, time || opening(document));
    const path = `/restaurants/${encodeURIComponent(restaurant)}`;
    const [floor, bookings] = await Promise.all([
      api.read(`${path}/floor${at ? `?at=${encodeURIComponent(at.toISOString())}` : ""}`),
      api.pages(`${path}/bookings?date=${day}&limit=200`),
    ]);
    const known = await casesOf(path, floor, bookings);
    if (mine !== turn) return; // something was asked later
    view = {
      restaurant, house: document, day, isToday, at, floor, refused: view?.refused ?? null,
      bookings: new Map(bookings.map((each) => [each.id, each])), cases: known,
    };
    draw();
  }

  async function houseOf(restaurant) {
    if (house?.restaurant !== restaurant || house.at + HOUSE_MILLISECONDS < Date.now()) {
      const document = await api.read(`/restaurants/${encodeURIComponent(restaurant)}`);
      house = { restaurant, document, at: Date.now() };
    }
    return house.document;
  }

  // Why guests need a person, and what could be offered to them.
  async function casesOf(path, floor, bookings) {
    const risks = new Set(floor.conflicts.map((each) => each.bookingId));
    const waiting = bookings.filter((each) => each.state === "manual_review" || risks.has(each.id));
    const key = JSON.stringify([path, waiting.map((each) => [each.id, each.version])]);
    if (cases?.key !== key || cases.at + CASES_MILLISECONDS < Date.now()) {
      const items = waiting.length ? await api.pages(`${path}/manual-review?limit=200`) : [];
      cases = { key, found: new Map(items.map((each) => [each.booking.id, each])), at: Date.now() };
    }
    return cases.found;
  }

  // Only what changed is drawn anew, and the focus stays where it was.
  function draw() {
    if (pointer.isPressed()) return;
    root.dataset.restaurant = view.restaurant;
    door.hidden = !view.isToday;
    const { asOf, ...floor } = view.floor;
    const { house: document, day, isToday, refused } = view;
    const now = JSON.stringify([document, day, isToday, refused?.number, floor, [...view.bookings], [...view.cases]]);
    if (now === drawn) return;
    drawn = now;
    const focused = parts.some((part) => part.contains(window.document.activeElement))
      ? window.document.activeElement.dataset.key : null;
    risks.replaceChildren(...drawRisks(view, open));
    tables.replaceChildren(...drawTables(view, open));
    waiting.replaceChildren(...drawWaiting(view, open));
    guests.replaceChildren(...drawGuests(view, open));
    if (focused) focusOn(root, focused);
  }

  // A party was dropped on a table. Refused, the table says why.
  async function drop(id, table, override) {
    const booking = view.bookings.get(id) ?? seatedAt(id);
    if (booking.tables.includes(table) && !override) return;
    const move = moveOf(booking);
    try {
      await act(callOf(move, booking, { tables: [table], ...(override ? { override } : {}) }));
      say(`${nameOf(booking)} ${move.done}: ${tableNamed(view, table)}`);
    } catch (problem) {
      view.refused = { table, number: ++refusals, shown: refusal(problem, (rules) => drop(id, table, rules)) };
    }
    await refresh();
  }

  function seatedAt(id) {
    const { party } = view.floor.tables.find((each) => each.party?.bookingId === id);
    return { id, state: party.state, reference: party.reference, guest: { name: party.name }, tables: [] };
  }

  return { today, show };
}
