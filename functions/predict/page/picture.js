// Pictures of an answer and of the training rows.

import { svg } from "./shell.js";

const WIDTH = 320;
const MARGIN = 8;

/** Draw an interval and the value in it, on an axis of the usual values. */
export function intervalBar({ lower, value, upper, from, to, shown, words }) {
  const start = Math.min(from ?? lower, lower);
  const end = Math.max(to ?? upper, upper);
  const at = (amount) => MARGIN + ((WIDTH - 2 * MARGIN) * (amount - start)) / (end - start || 1);
  return svg("svg", { viewBox: `0 0 ${WIDTH} 52`, role: "img", "aria-label": words },
    svg("line", { class: "axis", x1: at(start), x2: at(end), y1: 20, y2: 20 }),
    svg("rect", { class: "interval", x: at(lower), width: Math.max(1, at(upper) - at(lower)), y: 11, height: 18, rx: 4 }),
    svg("rect", { class: "point", x: at(value) - 1.5, width: 3, y: 6, height: 28 }),
    svg("text", { x: MARGIN, y: 48 }, shown(start)),
    svg("text", { x: WIDTH - MARGIN, y: 48, "text-anchor": "end" }, shown(end)));
}

/** Draw a share of one. */
export function shareBar(share, words) {
  const width = WIDTH - 2 * MARGIN;
  return svg("svg", { viewBox: `0 0 ${WIDTH} 52`, role: "img", "aria-label": words },
    svg("rect", { class: "interval", x: MARGIN, width: width * share, y: 11, height: 18 }),
    svg("rect", { class: "axis", fill: "none", x: MARGIN, width, y: 11, height: 18 }),
    svg("text", { x: MARGIN, y: 48 }, "0 %"),
    svg("text", { x: WIDTH - MARGIN, y: 48, "text-anchor": "end" }, "100 %"));
}
