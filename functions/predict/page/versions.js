// Versions: which is live, the error of each with the gate's verdict, the card; and the changes.

import { announce, askReason, el, errorBox, KeyRejected, Problem, request, table } from "./shell.js";
import { versionsChart, widthIn } from "./charts.js";
import { markdown } from "./markdown.js";

const SHOWN = 50;
const NEEDS_ADMIN =
  "This key may read. Rolling back, promoting, resuming and excluding data want a key with the scope admin: housing keys create --scope admin.";
const EVENTS = {
  alias_moved: (one) => `${one.alias}: ${one.from_version ?? "none"} → ${one.to_version}`,
  promotion_stopped: () => "jobs may promote no more",
  promotion_resumed: () => "jobs may promote again",
  data_excluded: (one) => `rows of job ${one.job_id ?? one.part} excluded`,
  data_included: (one) => `rows of job ${one.job_id ?? one.part} included`,
  data_held: (one) => `rows of job ${one.job_id ?? one.part} held`,
};

export async function show(root, { subject, report }) {
  const error = subject.task === "classification" ? { name: "log_loss", title: "Log loss" } : { name: "rmse", title: "RMSE" };
  const result = el("div", { class: "result" });
  const body = el("div", {});
  const detail = el("div", {});
  root.append(result, body);

  async function load() {
    const [models, data] = await Promise.all([request(`models?limit=${SHOWN}`), uploads()]);
    const isAdmin = data !== null;
    const change = (asked) => changed(asked, isAdmin);
    body.replaceChildren(
      ...(isAdmin ? [] : [el("p", { class: "hint", id: "needs-admin" }, NEEDS_ADMIN)]),
      live(models, change, isAdmin),
      section("chart-title", `${error.title} of each version`, chart(models, error, widthIn(root))),
      section("list-title", "All versions", versionsTable(models, error, (version) => open(version, change, isAdmin)), detail),
      isAdmin ? section("data-title", "Data", dataTable(data.uploads, change)) : "",
      section("history-title", "Changes", historyTable(models.history)));
  }

  /** Ask for the reason, send the change, say what came of it, and show how things are now. */
  async function changed({ path, asked, body: fields, said }, isAdmin) {
    if (!isAdmin) return;
    const reason = await askReason(asked);
    if (reason === null) return;
    result.replaceChildren(el("p", { class: "hint" }, "Under way …"));
    try {
      const answer = await request(path, { method: "POST", body: { ...fields, reason } });
      const words = said(answer);
      result.replaceChildren(el("p", { class: "good done", tabindex: -1 }, words));
      announce(words);
      detail.replaceChildren();
      await load();
    } catch (problem) {
      beside(result, problem);
    }
  }

  async function open(version, change, isAdmin) {
    detail.replaceChildren(el("p", { class: "hint" }, "Loading …"));
    try {
      const card = await request(`models/${version}`);
      detail.replaceChildren(versionCard(card, change, isAdmin));
      detail.querySelector("h3").focus();
    } catch (problem) {
      beside(detail, problem);
    }
  }

  function beside(place, problem) {
    if (problem instanceof Problem && !(problem instanceof KeyRejected)) place.replaceChildren(errorBox(problem));
    else report(problem);
  }

  await load();
}

/** Return the uploads of the data set, or null for a key that may not read them. */
async function uploads() {
  try {
    return await request("data?limit=50");
  } catch (problem) {
    if (problem.status === 403 && !(problem instanceof KeyRejected)) return null;
    throw problem;
  }
}

function section(id, title, ...content) {
  return el("section", { "aria-labelledby": id }, el("h3", { id }, title), ...content);
}

function button(text, asked, change, isAdmin, quiet = false) {
  return el("button", {
    type: "button", class: quiet ? "quiet" : null, disabled: !isAdmin,
    "aria-describedby": isAdmin ? null : "needs-admin", onclick: () => change(asked),
  }, text);
}

// ---- what is live --------------------------------------------------------------------------------

function live(models, change, isAdmin) {
  const production = models.versions.find(({ version }) => version === models.production);
  const previous = models.versions.find(({ aliases }) => aliases.includes("previous"));
  const stop = models.automatic_promotion;
  const back = {
    path: "models/rollback",
    asked: {
      title: "Roll back",
      text: `${previous ? `Version ${previous.version}` : "The version before the last change"} becomes live again, once it has loaded. Jobs promote nothing until you resume.`,
      action: "Roll back",
    },
    said: (answer) => (answer.changed
      ? `Version ${answer.version} is live again, instead of version ${answer.from_version}. Jobs promote nothing until you resume.`
      : `Version ${answer.version} was live already. Jobs promote nothing until you resume.`),
  };
  return el("div", { class: "card" },
    el("p", { class: "answer" }, models.production === null ? "No version is live" : `Version ${models.production} is live`),
    production ? el("p", { class: "hint" }, `Trained ${when(production.created_at)}; data: ${production.data_source ?? "not known"}`) : "",
    stop.stopped ? el("div", { class: "warning" },
      el("p", {}, `Jobs promote nothing${stop.since ? ` since ${when(stop.since)}` : ""}${stop.who ? `, by ${stop.who}` : ""}: ${stop.why ?? "no reason given"}`)) : "",
    el("p", { class: "actions" },
      models.production === null ? "" : button("Roll back …", back, change, isAdmin),
      stop.stopped ? button("Resume …", {
        path: "models/resume",
        asked: { title: "Resume automatic promotion", text: "The next job whose version passes the gate makes it live.", action: "Resume" },
        said: (answer) => (answer.changed ? "Jobs may promote again." : "Jobs were allowed to promote already."),
      }, change, isAdmin) : ""));
}

// ---- versions ------------------------------------------------------------------------------------

function chart(models, error, width) {
  const points = models.versions.filter(({ metrics }) => error.name in metrics).reverse().map((one) => ({
    version: one.version,
    value: one.metrics[error.name],
    kind: one.version === models.production ? "live" : one.verdict === "promoted" ? "promoted" : "refused",
  }));
  if (!points.length) return el("p", { class: "hint" }, "No version has this figure yet.");
  const best = points.reduce((one, other) => (other.value < one.value ? other : one));
  const words = `${error.title} of ${points.length} versions, on the held-out rows of each; the lowest is ${best.value.toPrecision(4)}, of version ${best.version}. Lower is better.`;
  return [
    versionsChart({ points, width, words }),
    el("p", { class: "hint" }, "■ live   ● promoted by the gate   ○ not promoted, or held. Lower is better. Each is measured on the held-out rows of its own time: the gate compares two on the same rows."),
  ];
}

function versionsTable(models, error, open) {
  return table("Versions, newest first", [
    { title: "Version", of: (one) => el("button", { type: "button", class: "quiet", onclick: () => open(one.version) }, `Version ${one.version}`) },
    { title: "State", of: (one) => stateOf(one, models.production) },
    { title: error.title, number: true, of: (one) => one.metrics[error.name]?.toPrecision(4) },
    { title: "Verdict", of: (one) => [one.verdict, one.verdict_reason].filter(Boolean).join(": ") || null },
    { title: "Trained", of: (one) => when(one.created_at) },
    { title: "Data", of: (one) => one.data_source },
  ], models.versions);
}

function stateOf(one, production) {
  const states = [one.version === production ? "live" : "", ...one.aliases.filter((alias) => alias !== "production")];
  return [...states, one.rolled_back ? `rolled back from: ${one.rolled_back}` : ""].filter(Boolean).join(", ") || null;
}

function versionCard(card, change, isAdmin) {
  const promote = {
    path: "models/promote",
    body: { version: card.version },
    asked: {
      title: `Promote version ${card.version}`,
      text: "It becomes live whatever the gate said, once it has loaded.",
      action: "Promote",
    },
    said: (answer) => [
      answer.changed ? `Version ${answer.version} is live now, instead of version ${answer.from_version ?? "none"}.` : `Version ${answer.version} was live already.`,
      answer.included.length ? `The held rows of ${answer.included.length} jobs are included again.` : "",
      answer.automatic_promotion.stopped ? "Jobs still promote nothing until you resume." : "",
    ].filter(Boolean).join(" "),
  };
  return el("article", { class: "card", "aria-labelledby": "version-title" },
    el("h3", { id: "version-title", tabindex: -1 }, `Version ${card.version}`),
    el("p", {}, [card.verdict, card.verdict_reason].filter(Boolean).join(": ") || "The gate has not judged it."),
    el("p", { class: "actions" }, button(`Promote version ${card.version} …`, promote, change, isAdmin)),
    figures("Figures on the held-out rows", Object.entries(card.metrics).map(([name, value]) => [name, value.toPrecision(4)])),
    figures("The gate's comparison", Object.entries(card.gate)),
    el("h4", {}, "Model card"),
    card.card ? el("div", { class: "markdown" }, markdown(card.card, 5)) : el("p", { class: "hint" }, "It has none."));
}

function figures(caption, pairs) {
  if (!pairs.length) return "";
  return table(caption, [{ title: "Figure", of: ([name]) => name }, { title: "Value", of: ([, value]) => value }], pairs);
}

// ---- data and ledger -----------------------------------------------------------------------------

function dataTable(list, change) {
  const act = (upload) => {
    const isOut = upload.state !== "included";
    const name = upload.file ?? upload.job_id;
    const asked = isOut
      ? { title: `Include ${name}`, text: "Its rows are part of every training from the next job on.", action: "Include" }
      : { title: `Exclude ${name}`, text: "Its rows are left out of every training from the next job on. The live version does not change.", action: "Exclude" };
    return button(`${isOut ? "Include" : "Exclude"} …`, {
      path: isOut ? "data/include" : "data/exclude",
      body: { job: upload.job_id },
      asked,
      said: (answer) => (answer.upload.state === "included"
        ? `The rows of ${name} are part of every training from the next job on.`
        : `The rows of ${name} are left out of every training from the next job on. The live version does not change.`),
    }, change, true, true);
  };
  return table("Uploads that the data set is made of, newest first", [
    { title: "File", of: (one) => one.file ?? one.job_id },
    { title: "Rows", number: true, of: (one) => one.rows?.toLocaleString("en-US") },
    { title: "Source", of: (one) => one.source },
    { title: "Uploaded", of: (one) => when(one.uploaded_at) },
    { title: "State", of: (one) => (one.exclusion ? `${one.state} by ${one.exclusion.who}: ${one.exclusion.why}` : one.state) },
    { title: "Change", of: act },
  ], list);
}

function historyTable(history) {
  return table("The ledger's newest entries", [
    { title: "When", of: (one) => when(one.when) },
    { title: "What", of: (one) => (EVENTS[one.kind] ?? (() => one.kind))(one) },
    { title: "Who", of: (one) => one.who },
    { title: "Why", of: (one) => one.why },
  ], history);
}

/** Return a time as people here write it. */
export function when(text) {
  return new Date(text).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}
