// Pictures of an answer and of the training rows.

import { el, svg } from "./shell.js";

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

/** Draw counts of the targets, with a mark where an answer lies. Returns the picture and `mark(value)`. */
export function histogram({ low, high, counts }, { shown, words }) {
  const height = 120;
  const width = (WIDTH - 2 * MARGIN) / counts.length;
  const most = Math.max(...counts, 1);
  const at = (value) => MARGIN + (WIDTH - 2 * MARGIN) * Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
  const line = svg("line", { class: "mark", y1: 4, y2: height, visibility: "hidden" });
  const element = svg("svg", { viewBox: `0 0 ${WIDTH} ${height + 22}`, role: "img", "aria-label": words },
    counts.map((count, place) => svg("rect", {
      class: "bar", x: MARGIN + place * width + 0.5, width: Math.max(1, width - 1),
      y: height - ((height - 6) * count) / most, height: ((height - 6) * count) / most,
    })),
    svg("line", { class: "axis", x1: MARGIN, x2: WIDTH - MARGIN, y1: height, y2: height }),
    line,
    svg("text", { x: MARGIN, y: height + 17 }, shown(low)),
    svg("text", { x: WIDTH - MARGIN, y: height + 17, "text-anchor": "end" }, shown(high)));
  const mark = (value) => {
    line.setAttribute("x1", at(value));
    line.setAttribute("x2", at(value));
    line.setAttribute("visibility", "visible");
  };
  return { element, mark };
}

const LETTERS = 26;
const A = "A".charCodeAt(0);
const CELL = 6; // pixels of the canvas
// Hue, saturation and lightness of the lowest and the highest target; both stand out from the ground.
const RAMPS = { light: [[205, 75, 80], [275, 75, 25]], dark: [[255, 45, 38], [45, 95, 72]] };

/**
 * Draw the map of the mean targets. The arrow keys move the point, Enter and a click choose it.
 * Returns the element, `place(latitude, longitude)` which moves the point, and `end()`.
 */
export function targetMap(map, { shown, words, onchoose }) {
  const columns = Math.max(...map.lines.map((line) => line.length));
  const lines = map.lines.length;
  const canvas = el("canvas", { width: columns * CELL, height: lines * CELL });
  const point = el("span", { class: "pin", hidden: true });
  const board = el("div", {
    class: "map", tabindex: 0, role: "application", "aria-label": words, "aria-describedby": "map-use",
    onclick: (event) => {
      const box = canvas.getBoundingClientRect();
      move((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      onchoose(...here());
    },
    onkeydown: pressed,
  }, canvas, point);
  let across = 0.5;
  let down = 0.5;

  function move(x, y) {
    across = Math.min(1, Math.max(0, x));
    down = Math.min(1, Math.max(0, y));
    point.hidden = false;
    point.style.setProperty("left", `${100 * across}%`);
    point.style.setProperty("top", `${100 * down}%`);
  }

  const here = () => [
    map.south + (1 - down) * lines * map.cell_height,
    map.west + across * columns * map.cell_width,
  ];

  function pressed(event) {
    const step = event.shiftKey ? 10 : 1;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key === "Enter") onchoose(...here());
    else if (moves[event.key]) move(across + (moves[event.key][0] * step) / columns, down + (moves[event.key][1] * step) / lines);
    else return;
    event.preventDefault();
  }

  const isDark = matchMedia("(prefers-color-scheme: dark)");
  const legend = el("canvas", { width: LETTERS, height: 1, class: "legend", "aria-hidden": "true" });
  function draw() {
    const colours = rampOf(RAMPS[isDark.matches ? "dark" : "light"]);
    const paper = canvas.getContext("2d");
    paper.clearRect(0, 0, canvas.width, canvas.height);
    map.lines.forEach((line, y) => [...line].forEach((letter, x) => {
      const colour = colours[letter.charCodeAt(0) - A];
      if (!colour) return;
      paper.fillStyle = colour;
      paper.fillRect(x * CELL, y * CELL, CELL, CELL);
    }));
    const strip = legend.getContext("2d");
    colours.forEach((colour, place) => {
      strip.fillStyle = colour;
      strip.fillRect(place, 0, 1, 1);
    });
  }
  isDark.addEventListener("change", draw);
  draw();

  const element = el("figure", {}, board,
    el("figcaption", {},
      el("span", { class: "scale" }, shown(map.low), legend, shown(map.high)),
      el("span", { id: "map-use", class: "hint" },
        "Click a place, or move the point with the arrow keys and press Enter. The form's coordinates do the same.")));
  const place = (latitude, longitude) => move(
    (longitude - map.west) / (columns * map.cell_width),
    1 - (latitude - map.south) / (lines * map.cell_height));
  board.style.setProperty("aspect-ratio", `${columns} / ${lines}`);
  return { element, place, end: () => isDark.removeEventListener("change", draw) };
}

function rampOf([from, to]) {
  return Array.from({ length: LETTERS }, (_, place) => {
    const [hue, saturation, lightness] = from.map((start, part) => start + ((to[part] - start) * place) / (LETTERS - 1));
    return `hsl(${hue} ${saturation}% ${lightness}%)`;
  });
}
