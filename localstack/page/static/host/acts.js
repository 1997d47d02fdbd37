// What a host may do with a booking in each state, and the call that does it.

const WAITS = new Set(["created", "assignment_pending", "assignment_in_progress", "manual_review"]);
const ANSWERABLE = new Set(["assignment_pending", "manual_review"]);
const UNDO_MILLISECONDS = 15 * 60_000;

export const waits = (booking) => WAITS.has(booking.state);
export const nameOf = (booking) => booking.guest.name || `Booking ${booking.reference}`;

// `ask`: what must be asked first ("tables", "reason"). `today`: only on the day itself.
// `done`: what is said afterwards, after the guest's name.
const ACTS = [
  { name: "arrive", label: "Arrived", today: true, done: "is in the house", when: (booking) =>
    !booking.arrivedAt && (booking.state === "confirmed" || ANSWERABLE.has(booking.state)) },
  { name: "seat", label: "Seat", today: true, done: "is seated", when: (booking) => booking.state === "confirmed" },
  { name: "complete", label: "Has left", done: "has left", when: (booking) => booking.state === "seated" },
  { name: "unseat", label: "Does not sit there after all", done: "is no longer seated",
    when: (booking) => booking.state === "seated" },
  { name: "seat-at", label: "Seat at other tables…", today: true, done: "is seated", ask: "tables",
    when: (booking) => booking.state === "confirmed" },
  { name: "move", label: "Move to other tables…", done: "has other tables", ask: "tables",
    when: (booking) => booking.state === "confirmed" || booking.state === "seated" },
  { name: "give", label: "Give tables…", done: "has a table", ask: "tables", when: waits },
  { name: "no-show", label: "Did not come", today: true, done: "did not come",
    when: (booking) => booking.state === "confirmed" },
  { name: "decline", label: "Decline…", done: "is declined", ask: "reason",
    when: (booking) => ANSWERABLE.has(booking.state) },
  { name: "undo-complete", label: "Has not left after all", done: "is seated again", when: (booking) =>
    booking.state === "completed" && Date.now() - Date.parse(booking.completedAt) < UNDO_MILLISECONDS },
  { name: "undo-no-show", label: "Came after all", done: "is expected again",
    when: (booking) => booking.state === "no_show" },
];

export const actsOf = (booking, isToday) => ACTS.filter((act) => act.when(booking) && (isToday || !act.today));

// [method, path, body] of an act with what was asked: `tables` or `reason`.
export function callOf(act, booking, asked = {}) {
  const path = `/bookings/${booking.id}`;
  switch (act.name) {
    case "seat-at": return ["POST", `${path}/seat`, asked];
    case "move":
    case "give": return ["PUT", `${path}/assignment`, asked];
    case "decline": return ["POST", `${path}/decline`, asked];
    default: return ["POST", `${path}/${act.name}`];
  }
}

export const moveOf = (booking) => ACTS.find((act) => act.name === (waits(booking) ? "give" : "move"));
export const takeTime = (booking, startAt) => ["PATCH", `/bookings/${booking.id}`, { startAt }];

// Rules that a person may set aside by name; the API says which of them a choice breaks.
const RULES = new Set(["capacity", "min_party", "adjacency", "zone", "pacing", "max_tables", "walk_in"]);

// The names to set aside so that a refused choice is taken; null if there is a rule that nobody may set aside.
export function overridesOf(problem) {
  const names = [...new Set((problem.errors ?? []).map((error) => error.code))];
  return problem.status === 422 && names.length && names.every((name) => RULES.has(name)) ? names : null;
}
