// The Markdown of a model card as elements: headings, paragraphs, lists, tables and code spans.
// Whatever else it holds, links and HTML too, stays text.

import { el, table } from "./shell.js";

const HEADING = /^(#{1,6})\s+(.*)$/;
const ITEM = /^\s*[-*]\s+(.*)$/;
const RULE = /^\|[\s:|-]+\|$/;

/** Return the blocks of a text. Its first heading becomes one of this level. */
export function markdown(text, level = 3) {
  const lines = text.split(/\r?\n/);
  const blocks = [];
  let place = 0;
  const taken = (fits) => {
    const from = place;
    while (place < lines.length && fits(lines[place])) place += 1;
    return lines.slice(from, place);
  };
  while (place < lines.length) {
    const line = lines[place];
    const heading = HEADING.exec(line);
    if (!line.trim()) place += 1;
    else if (heading) {
      blocks.push(el(`h${Math.min(6, heading[1].length + level - 1)}`, {}, spans(heading[2])));
      place += 1;
    } else if (isTable(lines, place)) blocks.push(tableOf(taken((one) => one.startsWith("|"))));
    else if (ITEM.test(line)) {
      blocks.push(el("ul", {}, taken((one) => ITEM.test(one)).map((one) => el("li", {}, spans(ITEM.exec(one)[1])))));
    } else {
      const [first, ...others] = [lines[place++], ...taken((one) => isProse(one))];
      blocks.push(el("p", {}, spans([first, ...others].join(" "))));
    }
  }
  return blocks;
}

function isProse(line) {
  return line.trim() !== "" && !HEADING.test(line) && !ITEM.test(line) && !line.startsWith("|");
}

function isTable(lines, place) {
  return lines[place].startsWith("|") && RULE.test((lines[place + 1] ?? "").trim());
}

function tableOf([head, , ...rows]) {
  const titles = cells(head);
  const columns = titles.map((title, column) => ({
    title, of: (row) => el("span", {}, spans(row[column] ?? "")), number: column > 0,
  }));
  return table(titles.join(", "), columns, rows.map(cells));
}

/** Split a row of a table; a bar with a backslash before it is text. */
function cells(row) {
  const inner = row.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** Return the code spans of a line as elements, and the rest as text. */
function spans(text) {
  return text.split(/`([^`]+)`/).map((part, place) => (place % 2 ? el("code", {}, part) : part)).filter((part) => part !== "");
}
