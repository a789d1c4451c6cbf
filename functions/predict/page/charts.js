// Charts of the administrator's views. Each is an image with a sentence; a table has the numbers.

import { svg } from "./shell.js";

const LEFT = 60;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 24;

/** Return the width in which a chart fits into an element, in pixels. */
export function widthIn(element) {
  return Math.max(260, Math.min(760, element.clientWidth || 320));
}

/**
 * Draw a value of each version: a filled dot was promoted, a hollow one was not, a square is live.
 * @param {{points: {version: string, value: number, kind: string}[], width: number, words: string}} given
 */
export function versionsChart({ points, width, words }) {
  const height = 180;
  const values = points.map(({ value }) => value);
  const [low, high] = padded(Math.min(...values), Math.max(...values));
  const x = (place) => LEFT + ((width - LEFT - RIGHT) * (place + 0.5)) / points.length;
  const y = scale(low, high, height);
  const every = Math.ceil((points.length * 34) / (width - LEFT - RIGHT));
  return image(width, height, words,
    ...horizontal([low, (low + high) / 2, high], y, width, (value) => value.toPrecision(3)),
    svg("polyline", { class: "trace", points: points.map(({ value }, place) => `${x(place)},${y(value)}`).join(" ") }),
    points.map(({ value, kind }, place) => (kind === "live"
      ? svg("rect", { class: "dot live", x: x(place) - 5, y: y(value) - 5, width: 10, height: 10 })
      : svg("circle", { class: `dot ${kind}`, cx: x(place), cy: y(value), r: 4 }))),
    points.map(({ version }, place) => ((points.length - 1 - place) % every ? null
      : svg("text", { x: x(place), y: height - 6, "text-anchor": "middle" }, version))));
}

/**
 * Draw counts of periods as bars, with a part of each in another colour.
 * @param {{periods: {at: Date, count: number, part: number}[], width: number, words: string}} given
 */
export function barsChart({ periods, width, words }) {
  const height = 150;
  const most = Math.max(1, ...periods.map(({ count }) => count));
  const y = scale(0, most, height);
  const step = (width - LEFT - RIGHT) / periods.length;
  const bar = (place, from, to, kind) => (to > from ? svg("rect", {
    class: kind, x: LEFT + place * step, width: Math.max(1, step - 1), y: y(to), height: y(from) - y(to),
  }) : null);
  return image(width, height, words,
    ...horizontal([0, most], y, width, (value) => value.toLocaleString("en-US")),
    periods.map(({ count, part }, place) => [bar(place, 0, count, "bar"), bar(place, 0, part, "bar wrong")]),
    ...times(periods, width, height));
}

/**
 * Draw values of periods as lines, with a gap where there is none.
 * @param {{periods: object[], lines: {name: string, of: (period: object) => number | undefined}[]}} given
 */
export function linesChart({ periods, lines, width, words, shown }) {
  const height = 150;
  const values = lines.flatMap(({ of }) => periods.map(of)).filter((value) => value !== undefined);
  const most = Math.max(1, ...values);
  const y = scale(0, most, height);
  const step = (width - LEFT - RIGHT) / periods.length;
  const x = (place) => LEFT + (place + 0.5) * step;
  return image(width, height, words,
    ...horizontal([0, most], y, width, shown),
    lines.map(({ name, of }) => [
      ...runs(periods.map(of)).map((run) => svg("polyline", {
        class: `trace ${name}`, points: run.map(([place, value]) => `${x(place)},${y(value)}`).join(" "),
      })),
      ...runs(periods.map(of)).filter((run) => run.length === 1).map(([[place, value]]) =>
        svg("circle", { class: `dot ${name}`, cx: x(place), cy: y(value), r: 2 })),
    ]),
    ...times(periods, width, height));
}

/** Return the runs of values without a gap, as pairs of place and value. */
function runs(values) {
  const found = [];
  values.forEach((value, place) => {
    if (value === undefined) return;
    if (place && values[place - 1] !== undefined) found.at(-1).push([place, value]);
    else found.push([[place, value]]);
  });
  return found;
}

function image(width, height, words, ...children) {
  return svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": words }, children.flat(3));
}

function scale(low, high, height) {
  return (value) => height - BOTTOM - ((height - TOP - BOTTOM) * (value - low)) / (high - low || 1);
}

function padded(low, high) {
  const room = (high - low || Math.abs(high) || 1) * 0.15;
  return [low - room, high + room];
}

function horizontal(values, y, width, shown) {
  return values.flatMap((value) => [
    svg("line", { class: "axis", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
    svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, shown(value)),
  ]);
}

function times(periods, width, height) {
  const days = periods.at(-1).at - periods[0].at > 25 * 3_600_000;
  const shape = days ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const text = (period, x, anchor) => svg("text", { x, y: height - 6, "text-anchor": anchor }, period.at.toLocaleString("en-US", shape));
  return [text(periods[0], LEFT, "start"), text(periods.at(-1), width - RIGHT, "end")];
}
