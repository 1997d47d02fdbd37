// The dialog of the shift: what a better seating of the day would change, with apply and undo.
import { el } from "../dom.js";
import { nameOf } from "./acts.js";
import { clock } from "./time.js";
import { tablesNamed } from "./view.js";

// `tools`: {show, run, button, room} of the menus. `path`: of the restaurant.
export async function openShift({ show, run, button, room }, path) {
  const { day } = room.view();
  const look = (body) => room.act(["POST", `${path}/optimizations`, { date: day, ...body }]);
  show("Seat the day anew", [el("p", { role: "status" }, "Looking for better seats…")], "shift");

  try {
    const suggested = await look({});
    const { items } = await room.read(`${path}/optimizations?limit=50`);
    const last = items.find((each) => each.date === day && each.result === "applied" && !each.undoneAt);
    show("Seat the day anew", [
      ...diff(room.view(), suggested),
      changes(suggested) && suggested.reason in REASONS ? el("p", {}, REASONS[suggested.reason]) : null,
      changes(suggested) && !(suggested.reason in REASONS) ? el("div", { class: "acts" }, button("Apply", apply)) : null,
      last ? el("h3", {}, `Applied at ${clock(last.asOf)}`) : null,
      ...(last ? [...diff(room.view(), last), el("div", { class: "acts" }, undo(last))] : []),
    ]);
  } catch (problem) {
    show("Seat the day anew", [el("p", { class: "bad", role: "alert" }, problem.message)]);
  }

  async function apply(event) {
    const place = event.currentTarget;
    place.disabled = true;
    try {
      const made = await look({ dryRun: false });
      await room.refresh();
      show(made.applied ? "The day is seated anew" : "Nothing was changed", [
        ...diff(room.view(), made),
        made.applied ? el("div", { class: "acts" }, undo(made)) : el("p", {}, REASONS[made.reason] ?? made.reason),
      ]);
    } catch (problem) {
      place.disabled = false;
      place.after(el("p", { class: "bad", role: "alert" }, problem.message));
    }
  }

  function undo(made) {
    const call = ["POST", `/optimizations/${made.optimizationId}/undo`, {}];
    return button("Undo", (event) => run(event.currentTarget, call, "Everybody is back where they were"));
  }
}

const REASONS = {
  nothing_found: "Nothing better was found in time.",
  nothing_better: "The seats are as good as they can be.",
  improvement_below_10_percent: "It would help too little to move guests for it.",
  switched_off: "Seating anew is switched off.",
};

const changes = (found) => found.moves.length + found.seats.length > 0;

// Before and after in figures, then who moves and who gets a table.
function diff(view, found) {
  if (!changes(found)) return [el("p", {}, REASONS.nothing_better)];
  const { before, after } = found;
  return [
    el("p", { class: "quiet" }, `Guests with a table ${before.covers} → ${after.covers} · score ${before.score} → ${after.score}`),
    el("ul", { class: "diff" },
      ...found.seats.map((each) => el("li", { "data-seats": each.bookingId },
        `${who(view, each.bookingId)} gets ${tablesNamed(view, each.tables)}`)),
      ...found.moves.map((each) => el("li", { "data-move": each.bookingId },
        `${who(view, each.bookingId)} ${tablesNamed(view, each.from)} → ${tablesNamed(view, each.to)}`))),
  ];
}

function who(view, id) {
  const booking = view.bookings.get(id);
  return booking ? `${clock(booking.startAt)} ${nameOf(booking)} · ${booking.partySize}` : "A booking";
}
