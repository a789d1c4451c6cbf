// Try it: a form of the table's columns, and the answer to one row.

import { announce, el, errorBox, Problem, request } from "./shell.js";
import { histogram, intervalBar, shareBar, targetMap } from "./picture.js";

const MISSING = "";

export function show(root, { subject, report }) {
  const fields = subject.columns.map((column) => fieldOf(column));
  const answer = el("section", { class: "card answer-area", "aria-label": "Answer" }, el("p", { class: "hint" }, `Fill in the form to get a ${subject.noun}.`));
  const send = el("button", { type: "submit" }, capitalised(subject.verb));
  const form = el("form", { class: "card form-area", "aria-label": `One ${subject.row}`, onsubmit: (event) => { event.preventDefault(); ask(); } },
    el("div", { class: "fields" }, fields.map(({ element }) => element)),
    el("p", { class: "actions" }, send,
      el("button", { type: "button", class: "quiet", onclick: () => fields.forEach((field) => field.reset()) }, "Example")));

  let turn = 0;
  async function ask() {
    const mine = ++turn;
    for (const field of fields) field.complain("");
    answer.setAttribute("aria-busy", "true");
    try {
      const row = Object.fromEntries(fields.map((field) => [field.name, field.value()]));
      const predicted = await request("predict", { method: "POST", body: row });
      if (mine !== turn) return;
      answer.replaceChildren(...answered(subject, predicted));
      picture?.mark(row, predicted);
    } catch (error) {
      if (mine !== turn) return;
      refused(error);
    } finally {
      answer.removeAttribute("aria-busy");
    }
  }

  function refused(error) {
    if (!(error instanceof Problem) || !error.fields.length) return report(error, answer);
    const others = error.fields.filter(({ field, message }) => {
      const one = fields.find(({ name }) => name === field);
      one?.complain(message);
      return !one;
    });
    answer.replaceChildren(errorBox({ message: error.message, fields: others }));
    fields.find(({ isWrong }) => isWrong())?.focus();
  }

  const picture = pictureOf(subject, (place) => {
    for (const field of fields) if (field.name in place) field.set(place[field.name]);
    if (form.reportValidity()) ask();
  });
  root.append(el("div", { class: "try" }, form, answer, picture?.element));
  return picture?.end;
}

/**
 * Return the picture of the training rows: a map where rows have a place, or else a histogram.
 * `choose({column: value})` is called with a place of the map.
 */
function pictureOf(subject, choose) {
  const { overview, place, second_unit: unit, target } = subject;
  if (!overview) return null;
  const shown = amountOf(subject);
  const factor = unit?.factor ?? 1;
  const of = `${overview.rows.toLocaleString("en-US")} training rows`;
  const scaled = (one) => ({ ...one, low: one.low * factor, high: one.high * factor });
  if (place && overview.map) {
    const words = `Map of the mean ${target.name} of ${of}`;
    const map = targetMap(scaled(overview.map), {
      shown, words,
      onchoose: (latitude, longitude) => choose({ [place.latitude]: rounded(latitude), [place.longitude]: rounded(longitude) }),
    });
    const mark = (row) => map.place(row[place.latitude], row[place.longitude]);
    return { mark, end: map.end, element: el("section", { class: "card picture-area", "aria-label": "Map" }, el("h3", {}, words), map.element) };
  }
  const words = `${target.name} of ${of}`;
  const isLabel = subject.task === "classification";
  const bars = histogram(scaled(overview.targets), { shown: isLabel ? (value) => (value ? "yes" : "no") : shown, words });
  const mark = (_, predicted) => isLabel || bars.mark(predicted[unit ? unit.name : target.name]);
  return { mark, end: null, element: el("section", { class: "card picture-area", "aria-label": "Training rows" }, el("h3", {}, words), bars.element) };
}

function rounded(degrees) {
  return Number(degrees.toFixed(3));
}

// ---- the form ------------------------------------------------------------------------------------

function fieldOf(column) {
  const id = `field-${column.name}`;
  const control = controlOf(column, { id, name: column.name, "aria-describedby": `${id}-hint ${id}-error` });
  const wrong = el("p", { id: `${id}-error`, class: "bad" });
  const label = el("label", { for: id }, column.name, column.unit ? el("small", {}, ` (${column.unit})`) : null);
  const hint = el("p", { id: `${id}-hint`, class: "hint" }, hintOf(column));
  return {
    name: column.name,
    element: el("div", {}, label, control.element, hint, wrong),
    value: control.value,
    set: control.set,
    reset: () => control.set(column.example),
    focus: () => control.element.focus(),
    isWrong: () => wrong.textContent !== "",
    complain: (message) => {
      wrong.textContent = message;
      if (message) control.element.setAttribute("aria-invalid", "true");
      else control.element.removeAttribute("aria-invalid");
    },
  };
}

function controlOf(column, attributes) {
  if (column.kind === "boolean" && !column.optional) {
    const element = el("input", { ...attributes, type: "checkbox", checked: column.example === true });
    return { element, value: () => element.checked, set: (value) => { element.checked = value; } };
  }
  if (column.kind === "boolean") return choice(column, attributes, [["true", "yes", true], ["false", "no", false]]);
  if (column.kind === "category" && !column.takes_others) {
    return choice(column, attributes, column.categories.map((text) => [text, text, text]));
  }
  return column.kind === "category" ? text(column, attributes) : number(column, attributes);
}

function choice(column, attributes, options) {
  const missing = column.optional ? el("option", { value: MISSING }, "(missing)") : null;
  const element = el("select", attributes, missing, options.map(([value, shown]) => el("option", { value }, shown)));
  const control = {
    element,
    // By place: a category may be the empty text.
    value: () => (column.optional && element.selectedIndex === 0 ? null : options[element.selectedIndex - (column.optional ? 1 : 0)][2]),
    set: (value) => { element.selectedIndex = options.findIndex(([, , one]) => one === value) + (column.optional ? 1 : 0); },
  };
  control.set(column.example);
  return control;
}

function text(column, attributes) {
  const list = `${attributes.id}-list`;
  const element = el("input", { ...attributes, list, required: !column.optional, value: column.example, autocomplete: "off" });
  const wrapper = el("div", {}, element, el("datalist", { id: list }, column.categories.map((value) => el("option", { value }))));
  wrapper.focus = () => element.focus();
  return { element: wrapper, value: () => element.value || null, set: (value) => { element.value = value; } };
}

function number(column, attributes) {
  const element = el("input", {
    ...attributes, type: "number", step: column.kind === "integer" ? 1 : "any", inputmode: "decimal",
    min: column.minimum, max: column.maximum, required: !column.optional, value: column.example, autocomplete: "off",
  });
  return {
    element,
    value: () => (element.value === MISSING ? null : Number(element.value)),
    set: (value) => { element.value = value; },
  };
}

function hintOf(column) {
  const range = column.usual_minimum !== null && column.usual_maximum !== null
    ? `usually ${plain(column.usual_minimum)} to ${plain(column.usual_maximum)}` : "";
  return [column.description, range, column.optional ? "may be empty" : ""].filter(Boolean).join("; ");
}

const plain = (value) => value.toLocaleString("en-US", { maximumSignificantDigits: 6 });

// ---- the answer ----------------------------------------------------------------------------------

function answered(subject, predicted) {
  const place = subject.place ? [["Nearest training row", distance(predicted.nearest_training_km)]] : [];
  const model = [["Model", `${predicted.model_name}, version ${predicted.model_version}${predicted.stale ? " (may be an old one)" : ""}`]];
  return [
    el("h3", {}, capitalised(subject.noun)),
    ...(subject.task === "classification" ? labelled(subject, predicted) : estimated(subject, predicted)),
    ...predicted.warnings.map((warning) => el("div", { class: "warning" }, el("p", {}, warning))),
    el("dl", {}, [...place, ...model].flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)])),
  ];
}

function estimated(subject, predicted) {
  const amount = amountOf(subject);
  const unit = subject.second_unit;
  const [lower, upper] = ["lower", "upper"].map((end) => predicted.interval_90[unit ? `${end}_${unit.suffix}` : end]);
  const value = predicted[unit ? unit.name : subject.target.name];
  const words = `${amount(lower)} to ${amount(upper)} in ${Math.round(100 * subject.coverage)} % of cases`;
  const factor = unit?.factor ?? 1;
  const usual = [subject.target.usual_minimum, subject.target.usual_maximum];
  announce(`${capitalised(subject.noun)}: ${amount(value)}, ${words}`);
  return [
    el("p", { class: "answer", "data-answer": value }, amount(value)),
    intervalBar({ lower, value, upper, from: usual[0] === null ? null : usual[0] * factor, to: usual[1] === null ? null : usual[1] * factor, shown: amount, words }),
    el("p", { class: "hint" }, words),
  ];
}

function labelled(subject, predicted) {
  const label = predicted[subject.target.name];
  const share = `${(100 * predicted.probability).toLocaleString("en-US", { maximumFractionDigits: 1 })} %`;
  const words = `${subject.target.name}: ${label ? "yes" : "no"}, with a probability of ${share}`;
  announce(words);
  return [
    el("p", { class: "answer", "data-answer": predicted.probability }, share),
    shareBar(predicted.probability, words),
    el("p", {}, `${subject.target.description || subject.target.name}: `, el("strong", {}, label ? "yes" : "no")),
  ];
}

/** Return how an amount of the target is written: in the second unit where there is one. */
export function amountOf(subject) {
  const unit = subject.second_unit;
  if (unit) return (value) => unit.sign + Math.round(value).toLocaleString("en-US");
  const after = subject.target.unit ? ` ${subject.target.unit}` : "";
  return (value) => value.toLocaleString("en-US", { maximumSignificantDigits: 4 }) + after;
}

function distance(km) {
  return km === null || km === undefined ? "not known" : `${km.toLocaleString("en-US")} km away`;
}

function capitalised(text) {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
