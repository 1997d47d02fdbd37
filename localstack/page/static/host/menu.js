// The dialogs from which a host acts: of a table, of a guest, and of guests at the door.
// `room`: {view(), act(call), read(path), say(words), refresh()}, as `room.js` makes it.
import { el } from "../dom.js";
import { actsOf, callOf, nameOf, overridesOf, takeTime, waits } from "./acts.js";
import { openShift } from "./shift.js";
import { clock, wholeMinute } from "./time.js";
import {
  bookingOf, isBlocked, nextWords, riskOf, seatsOf, stateWords, statusWords, tableName, tableNamed, tablesNamed, zonesOf,
} from "./view.js";

const BLOCK_MINUTES = [[30, "30 minutes"], [60, "1 hour"], [120, "2 hours"], [240, "4 hours"], [1440, "24 hours"]];
const NEAR_MILLISECONDS = 120 * 60_000;
const MOST_TIMES = 5;

export function menus(root, room) {
  const title = el("h2", { id: "room-dialog-title" });
  const content = el("div", { class: "content" });
  const dialog = el("dialog", { "aria-labelledby": title.id }, title, content,
    el("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close"));
  root.append(dialog);
  let cameFrom = null; // the key of what opened the dialog: there the focus returns
  let running = false;
  dialog.addEventListener("close", () => focusOn(root, cameFrom));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  function show(words, parts, key = cameFrom) {
    cameFrom = key;
    title.textContent = words;
    content.replaceChildren(...parts.filter(Boolean));
    if (!dialog.open) dialog.showModal();
    (content.querySelector("input, select, button") ?? dialog.querySelector(".close")).focus();
  }

  // Does an act. Refused, it says so beside `place`, where the host acted, and offers `again(override)` if a person
  // may set the broken rules aside.
  async function run(place, call, done, again = null) {
    if (running) return;
    running = true;
    dialog.setAttribute("aria-busy", "true");
    content.querySelector(".refusal")?.remove();
    try {
      await room.act(call);
      dialog.close();
      room.say(done);
    } catch (problem) {
      if (dialog.open && place.isConnected) place.after(refusal(problem, again));
      else room.say(problem.message, true);
    } finally {
      running = false;
      dialog.removeAttribute("aria-busy");
    }
    await room.refresh();
  }

  const open = {
    table(id) {
      const view = room.view();
      const [table, seen] = zonesOf(view).flatMap(([, tables]) => tables).find(([each]) => each.id === id);
      const booking = seen.party ? bookingOf(view, seen.party) : null;
      show(`Table ${tableName(table)}`, [
        facts([seatsOf(table), statusWords(view, seen), table.walkInOnly ? "walk-ins only" : null]),
        ...(booking ? guest(view, booking) : []),
        ...next(view, seen),
        el("h3", {}, "The table"),
        el("div", { class: "acts" },
          view.isToday && !booking ? button("Walk-in here…", () => open.walkIn(id)) : null,
          button("Block…", () => block(id)),
          isBlocked(seen) || seen.status === "seated" ? unblock(id) : null),
      ], `table:${id}`);
    },

    guest(booking, key) {
      const view = room.view();
      const current = view.bookings.get(booking.id) ?? booking;
      show(nameOf(current), guest(view, current), key);
      if (waits(current)) offerTimes(view, current);
    },

    walkIn(table = null, key = cameFrom) {
      const view = room.view();
      const size = el("input", { type: "number", name: "partySize", min: 1, max: 1000, value: 2, required: true });
      const name = el("input", { name: "name", maxlength: 200, autocomplete: "off" });
      const minutes = el("input", { type: "number", name: "minutes", min: 5, max: 720 });
      const choices = zonesOf(view).flatMap(([, tables]) => tables).map(([each, seen]) =>
        el("option", { value: each.id, selected: each.id === table },
          `${tableName(each)} · ${seatsOf(each)} · ${statusWords(view, seen)}`));
      const where = el("select", { name: "table" }, el("option", { value: "" }, "the best free one"), ...choices);
      const sits = el("input", { type: "checkbox", name: "seat", checked: true });
      const body = (override) => ({
        partySize: size.valueAsNumber, seat: sits.checked,
        ...(where.value ? { tables: [where.value] } : {}),
        ...(minutes.value ? { durationMinutes: minutes.valueAsNumber } : {}),
        ...(name.value.trim() ? { guest: { name: name.value.trim() } } : {}),
        ...(override ? { override } : {}),
      });
      const path = `${pathOf(view)}/walk-ins`;
      const words = () => `Walk-in ${name.value.trim() || `of ${size.value}`} ${sits.checked ? "is seated" : "is in the house"}`;
      const send = (place, override) =>
        run(place, ["POST", path, body(override)], words(), (rules) => send(place, rules));
      show("Walk-in", [form("Receive", (place) => send(place), [
        label("Guests", size), label("Name", name), label("Table", where), label("Minutes (as usual if empty)", minutes),
        el("label", { class: "check" }, sits, "They sit down now"),
      ])], key);
    },
  };

  open.shift = () => openShift({ show, run, button, room }, pathOf(room.view()));

  function guest(view, booking) {
    const risk = riskOf(view, booking.id);
    const times = view.cases.get(booking.id)?.alternatives ?? [];
    return [
      facts([
        nameOf(booking), `party of ${booking.partySize}`, `${clock(booking.startAt)}-${clock(booking.endAt)}`,
        stateWords(booking), tablesNamed(view, booking.tables), booking.reference,
      ]),
      booking.notes ? el("p", { class: "notes" }, booking.notes) : null,
      view.cases.get(booking.id)?.reason ? el("p", {}, view.cases.get(booking.id).reason.detail) : null,
      risk ? el("p", { class: "bad" }, risk.problem) : null,
      el("div", { class: "acts" }, ...actsOf(booking, view.isToday).map((act) => actButton(view, act, booking))),
      waits(booking) || times.length ? el("div", { class: "times" }, ...timeButtons(view, booking, times)) : null,
    ];
  }

  function actButton(view, act, booking) {
    const done = `${nameOf(booking)} ${act.done}`;
    if (act.ask === "tables") return button(act.label, () => chooseTables(view, act, booking, done));
    if (act.ask === "reason") return button(act.label, () => giveReason(act, booking, done));
    return button(act.label, (event) => run(event.currentTarget, callOf(act, booking), done));
  }

  function chooseTables(view, act, booking, done) {
    const boxes = zonesOf(view).flatMap(([zone, tables]) => [
      el("legend", {}, zone.name || zone.id),
      ...tables.map(([table, seen]) => el("label", { class: "check" },
        el("input", { type: "checkbox", name: "tables", value: table.id, checked: booking.tables.includes(table.id) }),
        `${tableName(table)} · ${seatsOf(table)} · ${statusWords(view, seen)}`)),
    ]);
    const chosen = el("fieldset", {}, ...boxes);
    const tables = () => [...chosen.querySelectorAll(":checked")].map((box) => box.value);
    const send = (place, override) => run(place, callOf(act, booking, { tables: tables(), ...(override ? { override } : {}) }),
      `${done}: ${tablesNamed(view, tables())}`, (rules) => send(place, rules));
    show(`${act.label.replace("…", "")}: ${nameOf(booking)}`, [form("Take these", (place) => send(place), [chosen])]);
  }

  function giveReason(act, booking, done) {
    const reason = el("input", { name: "reason", maxlength: 500, autocomplete: "off" });
    const asked = () => (reason.value.trim() ? { reason: reason.value.trim() } : {});
    show(`Decline: ${nameOf(booking)}`, [form("Decline", (place) => run(place, callOf(act, booking, asked()), done), [
      el("p", {}, "The guest gets no table, and a letter that says so."), label("Reason, for the record", reason),
    ])]);
  }

  function timeButtons(view, booking, times) {
    if (!times.length) return [];
    return [el("h3", {}, "Other times"), el("div", { class: "acts" }, ...times.map((time) => {
      const where = time.tables?.length ? ` at ${tablesNamed(view, time.tables)}` : "";
      const take = (event) => run(event.currentTarget, takeTime(booking, time.startAt),
        `${nameOf(booking)} comes at ${clock(time.startAt)}`);
      return button(`Take ${clock(time.startAt)}${where}`, take);
    }))];
  }

  // Nobody has planned other times for who still waits for the background job: the free ones nearby are looked up.
  async function offerTimes(view, booking) {
    if (view.cases.has(booking.id)) return;
    const place = content.querySelector(".times");
    const { zone, zoneRequired, required } = booking.preferences;
    const query = new URLSearchParams({ date: view.day, partySize: booking.partySize });
    if (zone && zoneRequired) query.set("zone", zone);
    if (required.length) query.set("required", required.join(","));
    const away = (slot) => Math.abs(Date.parse(slot.startAt) - Date.parse(booking.startAt));
    try {
      const { slots } = await room.read(`${pathOf(view)}/availability?${query}`);
      const near = slots.filter((slot) => slot.available && away(slot) > 0 && away(slot) <= NEAR_MILLISECONDS);
      const nearest = near.sort((one, other) => away(one) - away(other)).slice(0, MOST_TIMES);
      place.replaceChildren(...timeButtons(view, booking, nearest));
    } catch (problem) {
      place.replaceChildren(el("p", { class: "quiet" }, `No other times: ${problem.message}`));
    }
  }

  function next(view, seen) {
    const booking = seen.next && view.bookings.get(seen.next.bookingId);
    if (!booking) return [];
    return [el("div", { class: "acts" }, button(`${nextWords(view, seen.next)}…`, () => open.guest(booking, cameFrom)))];
  }

  function block(id) {
    const view = room.view();
    const minutes = el("select", { name: "minutes" }, ...BLOCK_MINUTES.map(([value, words]) => el("option", { value }, words)));
    const reason = el("input", { name: "reason", maxlength: 500, autocomplete: "off" });
    const send = (place) => {
      const from = wholeMinute(view.at ?? new Date());
      const ends = new Date(from.getTime() + Number(minutes.value) * 60_000);
      run(place, ["POST", `${pathOf(view)}/tables/${encodeURIComponent(id)}/block`, {
        until: ends.toISOString(),
        ...(view.at ? { from: from.toISOString() } : {}),
        ...(reason.value.trim() ? { reason: reason.value.trim() } : {}),
      }], `Table ${tableNamed(view, id)} is blocked`);
    };
    show(`Block table ${tableNamed(view, id)}`, [form("Block", send, [label("For", minutes), label("Reason", reason)])]);
  }

  function unblock(id) {
    const view = room.view();
    return button("End its blocks", (event) => run(event.currentTarget,
      ["DELETE", `${pathOf(view)}/tables/${encodeURIComponent(id)}/block`], `Table ${tableNamed(view, id)} is in order`));
  }

  return open;
}

// What stands beside a refused act.
export function refusal(problem, again) {
  const rules = again ? overridesOf(problem) : null;
  return el("div", { class: "refusal", role: "alert" }, el("p", { class: "bad" }, problem.message),
    rules ? button("Do it all the same", () => again(rules)) : null);
}

export function focusOn(root, key) {
  const found = key && root.querySelector(`[data-key="${CSS.escape(key)}"]`);
  (found || root.querySelector(".part h3"))?.focus();
}

const pathOf = (view) => `/restaurants/${encodeURIComponent(view.restaurant)}`;
const button = (words, onclick) => el("button", { type: "button", onclick }, words);
const label = (words, field) => el("label", {}, words, field);
const facts = (words) => el("p", { class: "quiet" }, words.filter(Boolean).join(" · "));

function form(words, send, fields) {
  const submit = el("button", { class: "main" }, words);
  const onsubmit = (event) => {
    event.preventDefault();
    send(submit);
  };
  return el("form", { onsubmit }, ...fields, submit);
}
