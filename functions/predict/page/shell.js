// The frame of the page: its views, the key, requests with it, and the elements that views share.
// All text from data, registry or metadata goes through `el`, which makes text nodes of it.

const VIEWS = [
  { id: "try", title: "Try it", load: () => import("./try.js") },
  { id: "versions", title: "Versions", load: () => import("./versions.js") },
  { id: "jobs", title: "Jobs", load: () => import("./jobs.js") },
  { id: "service", title: "Service", load: () => import("./service.js") },
];
const ROOT = new URL("../../", import.meta.url); // page/<digest>/shell.js lies under it
const KEY = "api-key";
const HAS_KEYS = document.documentElement.dataset.keys !== "off";
const WAIT_MS = 30_000;
const LONGEST_PAUSE_SECONDS = 10;

// ---- elements ------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

/** Make an element. `on…` attributes are listeners, `style` an object; null and false are left out. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, set] of Object.entries(value)) element.style.setProperty(key, set);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Make a table. A column is {title, of: row => text or element, number: whether it is right-aligned}. */
export function table(caption, columns, rows) {
  const cell = (column, row, tag) => {
    const value = column.of(row);
    const header = tag === "th" ? { scope: "row" } : {};
    return el(tag, { ...header, class: column.number ? "number" : null }, value ?? "–");
  };
  return el("div", { class: "scrolls", tabindex: 0, role: "region", "aria-label": caption },
    el("table", {},
      el("caption", {}, caption),
      el("thead", {}, el("tr", {}, columns.map((column) =>
        el("th", { scope: "col", class: column.number ? "number" : null }, column.title)))),
      el("tbody", {}, rows.map((row) =>
        el("tr", {}, columns.map((column, place) => cell(column, row, place === 0 ? "th" : "td")))))));
}

/** Make a box that says what went wrong; screen readers read it at once. */
export function errorBox(error) {
  const fields = error.fields ?? [];
  return el("div", { class: "error", role: "alert" },
    el("p", {}, error.message),
    fields.length ? el("ul", {}, fields.map((field) => el("li", {}, `${field.field}: ${field.message}`))) : null);
}

/** Say something to screen readers. */
export function announce(text) {
  document.getElementById("announcement").textContent = text;
}

/**
 * Ask for a reason before something is done. Resolves to it, or to null where the person cancels.
 * @param {{title: string, text: string, action: string}} asked
 */
export function askReason({ title, text, action }) {
  return new Promise((resolve) => {
    const reason = el("textarea", { id: "reason", required: true, maxlength: 500, rows: 3, "aria-describedby": "reason-use" });
    const finish = (value) => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    const dialog = el("dialog", { "aria-labelledby": "dialog-title", oncancel: (event) => { event.preventDefault(); finish(null); } },
      el("form", { onsubmit: (event) => { event.preventDefault(); finish(reason.value.trim()); } },
        el("h2", { id: "dialog-title" }, title),
        el("p", {}, text),
        el("label", { for: "reason" }, "Reason"),
        reason,
        el("p", { id: "reason-use", class: "hint" }, "It is kept in the ledger, with the id of your key."),
        el("p", { class: "actions" },
          el("button", { type: "submit" }, action),
          el("button", { type: "button", class: "quiet", onclick: () => finish(null) }, "Cancel"))));
    reason.addEventListener("input", () => reason.setCustomValidity(reason.value.trim() ? "" : "Give a reason."));
    reason.setCustomValidity("Give a reason.");
    document.body.append(dialog);
    dialog.showModal();
    reason.focus();
  });
}

// ---- requests ------------------------------------------------------------------------------------

/** An answer that is no success. `status` is 0 where there was no answer at all. */
export class Problem extends Error {
  constructor(status, message, fields = []) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

/** The key is missing, wrong or revoked: the frame asks for another. */
export class KeyRejected extends Problem {}

const stored = () => sessionStorage.getItem(KEY);

/**
 * Send a request with the key; return the answer's JSON, or its text where it is none.
 * A `path` is relative to the service. A `body` is sent as JSON. Where the service is busy or lacks something for
 * a few seconds (429 or 503 with `Retry-After`), it is asked once more after them.
 * @throws {Problem} The service refused it, failed, or did not answer.
 */
export async function request(path, { method = "GET", body, key = stored() } = {}) {
  let answer = await sent(path, method, body, key);
  const pause = pauseBefore(answer, method, path);
  if (pause !== null) {
    announce("The service is busy; it is asked again.");
    await new Promise((resolve) => setTimeout(resolve, 1000 * pause));
    answer = await sent(path, method, body, key);
  }
  if (answer.ok) return contentOf(answer);
  const problem = await contentOf(answer).catch(() => null);
  const message = problem?.detail ?? problem?.message ?? `The service answered ${answer.status}.`;
  if (answer.status === 401 || (answer.status === 403 && !(await isKnown(key)))) {
    throw new KeyRejected(answer.status, key ? "The key is not valid, or not any more." : "A key is needed.");
  }
  throw new Problem(answer.status, message, problem?.errors ?? []);
}

/** Return after how many seconds a request is sent again; null for never: a change might have been made. */
function pauseBefore(answer, method, path) {
  if (![429, 503].includes(answer.status) || (method !== "GET" && path !== "predict")) return null;
  const seconds = Number(answer.headers.get("retry-after") ?? NaN);
  return seconds >= 0 && seconds <= LONGEST_PAUSE_SECONDS ? seconds : null;
}

async function sent(path, method, body, key) {
  const headers = { ...(key ? { "x-api-key": key } : {}), ...(body === undefined ? {} : { "content-type": "application/json" }) };
  try {
    return await fetch(new URL(path, ROOT), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(WAIT_MS),
    });
  } catch (error) {
    if (error.name === "TimeoutError") throw new Problem(0, `No answer within ${WAIT_MS / 1000} s.`);
    if (error instanceof TypeError) throw new Problem(0, "The service cannot be reached.");
    throw error;
  }
}

function contentOf(answer) {
  return /\bjson\b/.test(answer.headers.get("content-type") ?? "") ? answer.json() : answer.text();
}

/** 403 says that a key is unknown, or that it may not do this: any key may ask for the version. */
async function isKnown(key) {
  return key ? (await sent("version", "GET", undefined, key)).ok : false;
}

// ---- the key -------------------------------------------------------------------------------------

const main = document.getElementById("main");
let subject = null;

function askForKey(message) {
  const input = el("input", {
    id: "key", type: "password", required: true, autocomplete: "off", spellcheck: "false",
    "aria-describedby": "key-use", "aria-invalid": message ? "true" : null,
  });
  const notice = el("div", {}, message ? errorBox({ message }) : null);
  const form = el("form", { class: "card narrow", onsubmit: (event) => { event.preventDefault(); enter(); } },
    el("h2", {}, "API key"),
    notice,
    el("label", { for: "key" }, "Key"),
    input,
    el("p", { id: "key-use", class: "hint" },
      "It is kept in this tab until you close it. A key with the scope admin can change what is live."),
    el("p", { class: "actions" }, el("button", { type: "submit" }, "Open")));

  async function enter() {
    form.querySelector("button").disabled = true;
    try {
      subject = await request("subject", { key: input.value.trim() });
      sessionStorage.setItem(KEY, input.value.trim());
      await show();
    } catch (error) {
      form.querySelector("button").disabled = false;
      notice.replaceChildren(errorBox(error));
      input.setAttribute("aria-invalid", "true");
      input.select();
    }
  }

  leave();
  frame();
  main.replaceChildren(form);
  input.focus();
}

function forgetKey() {
  sessionStorage.removeItem(KEY);
  subject = null;
  askForKey("");
}

// ---- views ---------------------------------------------------------------------------------------

let leave = () => {};
let shown = 0;

/**
 * Return the function with which a view handles errors: `report(error)`, or `report(error, place)` to keep the rest of
 * the view. Errors of the key are the frame's: it asks for another.
 */
function reporting(content) {
  return (error, place = content) => {
    if (error instanceof KeyRejected) {
      sessionStorage.removeItem(KEY);
      subject = null;
      askForKey(error.message);
    } else if (error instanceof Problem) {
      place.replaceChildren(errorBox(error));
    } else {
      throw error;
    }
  };
}

async function show() {
  const turn = ++shown;
  const view = VIEWS.find(({ id }) => `#${id}` === location.hash) ?? VIEWS[0];
  leave();
  leave = () => {};
  const section = el("section", { "aria-labelledby": "view-title" },
    el("h2", { id: "view-title", tabindex: -1 }, view.title));
  const content = el("div", {}, el("p", { class: "hint" }, "Loading …"));
  section.append(content);
  try {
    subject ??= await request("subject");
    frame(view);
    main.replaceChildren(section);
    const module = await view.load();
    if (turn !== shown) return;
    content.replaceChildren();
    const ended = await module.show(content, { subject, report: reporting(content) });
    if (turn !== shown) ended?.();
    else leave = ended ?? leave;
  } catch (error) {
    if (turn !== shown) return;
    main.replaceChildren(section);
    reporting(content)(error);
  }
}

function frame(current = null) {
  const title = subject?.title ?? "Model";
  document.title = current ? `${current.title} – ${title}` : title;
  document.getElementById("title").textContent = title;
  document.getElementById("views").replaceChildren(...(subject ? VIEWS : []).map((view) =>
    el("li", {}, el("a", { href: `#${view.id}`, "aria-current": view === current ? "page" : null }, view.title))));
  document.getElementById("who").replaceChildren(
    subject && HAS_KEYS ? el("button", { type: "button", class: "quiet", onclick: forgetKey }, "Forget the key") : "");
}

addEventListener("hashchange", () => {
  if (location.hash === "#main") return main.focus();
  if (subject) show().then(() => document.getElementById("view-title")?.focus());
});

if (stored() || !HAS_KEYS) show();
else askForKey("");
