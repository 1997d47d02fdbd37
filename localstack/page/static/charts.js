// The template's dashboards, drawn by uPlot from the metrics that the functions emitted here.
import { byId, el, get } from "./dom.js";

const COLOURS = ["#0b5cad", "#c2571a", "#2f7d5b", "#8e44ad", "#b3261e", "#00838f", "#7a5c00", "#5d6b7a",
  "#d81b60", "#3949ab", "#6d8b00", "#4e342e"];
const HEIGHT = 190;
let charts = [];

export async function showDashboards() {
  const boards = await get(`dashboards?minutes=${byId("minutes").value}`);
  const made = boards.flatMap((board) => [
    el("h2", {}, board.name), el("div", { class: "widgets" }, ...board.widgets.map(widget)),
  ]);
  const scrolled = window.scrollY;
  charts.forEach((chart) => chart.destroy());
  charts = [];
  const nothing = el("p", { class: "quiet" }, "The template has no dashboard.");
  byId("boards").replaceChildren(...(made.length ? made : [nothing]));
  document.querySelectorAll("#boards .plot").forEach((place) => charts.push(plot(place)));
  window.scrollTo(0, scrolled);
}

function widget(each) {
  const made = el("div", { class: "widget" });
  if (each.title) made.append(el("h3", {}, each.title));
  if (each.kind === "text") made.append(...prose(each.note));
  else if (each.note) made.append(el("p", { class: "quiet" }, each.note));
  if (!each.series) return made;
  made.append(el("p", { class: "quiet" }, each.kind === "number"
    ? `${each.stat}, ${span(each.step)} in all` : `${each.stat} of ${span(each.step)}`));
  const measured = each.series.filter((line) => line.values.some((value) => value !== null));
  if (each.kind === "number") made.append(numbers(each.series));
  else if (measured.length) {
    const place = el("div", { class: "plot" });
    place.told = { ...each, series: measured };
    made.append(place);
  } else made.append(el("p", { class: "quiet" }, "No values in this time."));
  for (const words of each.unmeasured) made.append(el("p", { class: "quiet" }, words));
  return made;
}

// Of CloudWatch's Markdown what our dashboards use: headings, and links, of which those to its console lead nowhere here.
function prose(text) {
  return text.split("\n").filter(Boolean).map((line) => {
    if (line.startsWith("# ")) return el("h3", {}, line.slice(2));
    return el("p", {}, ...line.split(/(\[[^\]]+\]\([^)]+\))/).map((part) => {
      const link = /^\[([^\]]+)\]\((.+)\)$/.exec(part);
      if (!link) return part;
      const [, words, href] = link;
      return href.startsWith("https://") ? el("a", { href, target: "_blank", rel: "noreferrer" }, words) : words;
    }));
  });
}

const span = (seconds) => (seconds % 60 ? `${seconds} s` : `${seconds / 60} min`);
const last = (values) => values.findLast((value) => value !== null);
const figure = (value) => (value === null || value === undefined ? "–" : String(Number(value.toPrecision(4))));

function numbers(series) {
  return el("dl", {}, ...series.map((line) =>
    el("div", {}, el("dt", {}, line.label), el("dd", {}, figure(line.values[0])))));
}

function plot(place) {
  const { times, series, thresholds, stacked } = place.told;
  const lines = stacked ? stack(series) : series.map((line) => ({ ...line, shown: line.values }));
  const limits = thresholds.map((each) => ({ label: each.label, shown: times.map(() => each.value), limit: true }));
  const all = [...lines, ...limits];
  const options = {
    width: place.clientWidth,
    height: HEIGHT,
    series: [{ label: "At", value: (_, at) => (at ? new Date(at * 1000).toLocaleTimeString("en-GB") : "the end") },
      ...all.map((line, number) => drawn(line, COLOURS[number % COLOURS.length], stacked))],
    axes: [{ values: (_, ticks) => ticks.map(minute) }, { size: 56, values: (_, ticks) => ticks.map(short) }],
    scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.1 : 1] } },
  };
  return new uPlot(options, [times, ...all.map((line) => line.shown)], place);
}

function drawn(line, colour, stacked) {
  const limit = Boolean(line.limit);
  return {
    label: line.label,
    stroke: limit ? "#b3261e" : colour,
    dash: limit ? [6, 4] : undefined,
    width: 2,
    fill: stacked && !limit ? `${colour}33` : undefined,
    points: { show: !limit, size: 5 },
    spanGaps: true,
    value: (_, __, ___, at) => figure(limit ? line.shown[0] : at === null ? last(line.values) : line.values[at]),
  };
}

// Each line stands on the sum of those before it; its own value is what the legend tells.
function stack(series) {
  const sums = series.length ? series[0].values.map(() => 0) : [];
  return series.map((line) => ({ ...line, shown: line.values.map((value, at) => (sums[at] += value ?? 0)) }));
}

const minute = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

function short(value) {
  for (const [size, letter] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (Math.abs(value) >= size) return `${value / (letter === "k" ? 1e3 : size)}${letter}`;
  }
  return String(value);
}
