// Times of a restaurant. What the API sends is in the restaurant's zone already, so its digits are the wall clock.

export const clock = (moment) => (moment ? moment.slice(11, 16) : "");

// [date, time] on the wall of a zone, as YYYY-MM-DD and HH:MM.
export function wall(zone, moment) {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  }).formatToParts(moment);
  const of = Object.fromEntries(parts.map((part) => [part.type, part.value]));
  return [`${of.year}-${of.month}-${of.day}`, `${of.hour}:${of.minute}`];
}

// The first whole minute that is not before `moment`: the API takes no seconds.
export const wholeMinute = (moment) => new Date(Math.ceil(moment.getTime() / 60_000) * 60_000);

// The moment at which a zone's wall shows this date and time; where it never does, one an hour beside.
export function instant(zone, day, time) {
  const wanted = Date.parse(`${day}T${time}Z`);
  let found = wanted;
  for (let round = 0; round < 2; round += 1) {
    const [shownDay, shownTime] = wall(zone, new Date(found));
    found += wanted - Date.parse(`${shownDay}T${shownTime}Z`);
  }
  return new Date(found);
}

// The service day of a moment: after midnight still yesterday's while a service of yesterday is open.
export function serviceDay(house, moment) {
  const [day, time] = wall(house.timezone, moment);
  const late = house.services.some((service) => service.closes <= service.opens && time < service.closes);
  return late ? wall("UTC", new Date(Date.parse(`${day}T12:00Z`) - 86_400_000))[0] : day;
}

export const opening = (house) => house.services.map((service) => service.opens).sort()[0] ?? "12:00";
