// Jobs: a file uploaded, its job's stages as they happen, and how it ended; the jobs before.

import { announce, el, errorBox, KeyRejected, Problem, request, table } from "./shell.js";

const POLL_MS = 2_000;
const MOST_POLLS = 1_800; // an hour
const PAGE = 20;
const ENDINGS = [".csv", ".csv.gz", ".tsv", ".tsv.gz"];
const STATES = {
  queued: "waiting", running: "running", succeeded: "succeeded", rejected: "file rejected", failed: "failed", held: "held for a person",
};
const NEEDS_ADMIN = "Jobs and uploads want a key with the scope admin: housing keys create --scope admin.";

export async function show(root, { report }) {
  const detail = el("div", {});
  const list = el("div", {});
  let following = () => {};

  const beside = (place, problem) => {
    if (problem instanceof Problem && !(problem instanceof KeyRejected)) place.replaceChildren(errorBox(problem));
    else report(problem);
  };

  function follow(find, first) {
    following();
    following = followed(detail, find, { first, beside, ended: () => load().catch((problem) => beside(list, problem)) });
  }

  async function load() {
    const jobs = [];
    const more = async (before) => {
      const page = await request(`jobs?limit=${PAGE}${before ? `&before=${encodeURIComponent(before)}` : ""}`);
      jobs.push(...page.jobs);
      list.replaceChildren(jobsTable(jobs, (job) => follow(async () => job.job_id, `Job ${job.job_id}`)),
        page.next === null ? "" : el("p", { class: "actions" }, el("button", {
          type: "button", class: "quiet", onclick: () => more(page.next).catch((problem) => beside(list, problem)),
        }, "Show older jobs")));
    };
    await more(null);
  }

  try {
    await load();
  } catch (problem) {
    if (problem.status !== 403 || problem instanceof KeyRejected) throw problem;
    root.append(el("p", { class: "card" }, NEEDS_ADMIN));
    return undefined;
  }
  root.append(uploadForm({ beside, follow }), detail, el("section", { "aria-labelledby": "jobs-title" }, el("h3", { id: "jobs-title" }, "Newest jobs"), list));
  return () => following();
}

// ---- upload --------------------------------------------------------------------------------------

function uploadForm({ beside, follow }) {
  const input = el("input", { id: "file", type: "file", accept: ENDINGS.map((ending) => `.${ending.split(".").at(-1)}`).join(","), required: true, "aria-describedby": "file-use" });
  const source = el("input", { id: "source", type: "text", maxlength: 256, value: "upload", autocomplete: "off" });
  const progress = el("progress", { max: 1, value: 0, "aria-label": "Upload" });
  const outcome = el("div", { class: "result" });
  const send = el("button", { type: "submit" }, "Upload");
  const form = el("form", { class: "card drop", "aria-labelledby": "upload-title", onsubmit: (event) => { event.preventDefault(); upload(input.files[0]); } },
    el("h3", { id: "upload-title" }, "Upload a file"),
    el("p", { id: "file-use", class: "hint" }, `Drop a file here or choose one: ${ENDINGS.join(", ")}. A training job starts by itself.`),
    el("label", { for: "file" }, "File"), input,
    el("label", { for: "source" }, "Source of the rows"), source,
    el("p", { class: "actions" }, send), outcome);

  const over = (is) => (event) => { event.preventDefault(); form.classList.toggle("over", is); };
  form.addEventListener("dragover", over(true));
  form.addEventListener("dragleave", over(false));
  form.addEventListener("drop", (event) => {
    over(false)(event);
    const [file] = event.dataTransfer.files;
    if (!file) return;
    input.files = event.dataTransfer.files;
    upload(file);
  });

  async function upload(file) {
    send.disabled = true;
    progress.value = 0;
    outcome.replaceChildren(el("p", { class: "hint" }, `Uploading ${file.name} …`), progress);
    try {
      const signed = await request("uploads", { method: "POST", body: { name: file.name, source: source.value || "upload" } });
      if (file.size > signed.max_bytes) {
        throw new Problem(413, `${file.name} has ${bytes(file.size)}; ${bytes(signed.max_bytes)} is the limit here. Larger files: housing upload.`);
      }
      const version = await posted(signed, file, (share) => { progress.value = share; });
      outcome.replaceChildren(el("p", { class: "good" }, `${file.name} is uploaded (${bytes(file.size)}).`));
      announce(`${file.name} is uploaded; its job is followed.`);
      follow(() => jobOf(file.name, version), `Job of ${file.name}`);
    } catch (problem) {
      beside(outcome, problem);
    } finally {
      send.disabled = false;
    }
  }
  return form;
}

/** Post a file with a signed form; return the version of the object, which names its job. */
function posted({ url, fields }, file, onShare) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", file); // S3 takes no field after it
    const sent = new XMLHttpRequest(); // fetch reports no progress
    sent.upload.addEventListener("progress", (event) => { if (event.lengthComputable) onShare(event.loaded / event.total); });
    sent.addEventListener("load", () => {
      if (sent.status === 201) resolve(sent.getResponseHeader("x-amz-version-id"));
      else reject(new Problem(sent.status, `The bucket refused the file (${sent.status}): ${/<Message>([^<]*)</.exec(sent.responseText)?.[1] ?? "no reason given"}`));
    });
    sent.addEventListener("error", () => reject(new Problem(0, "The bucket cannot be reached from this page. Does its CORS allow this origin?")));
    sent.open("POST", url);
    sent.send(form);
  });
}

async function jobOf(name, version) {
  const asked = version ? `&version=${encodeURIComponent(version)}` : "";
  const { jobs } = await request(`jobs?limit=${PAGE}&file=${encodeURIComponent(name)}${asked}`);
  return jobs.find(({ file }) => file === name)?.job_id ?? null;
}

// ---- one job -------------------------------------------------------------------------------------

/** Show a job until it has ended; return the function that stops. A hidden tab asks nothing. */
function followed(place, find, { first, beside, ended }) {
  let isOver = false;
  let timer = 0;
  let polls = 0;
  let jobId = null;
  let drawn = "";
  let last = "";
  place.replaceChildren(el("p", { class: "card" }, `${first}: waiting for it to start …`));

  async function poll() {
    polls += 1;
    try {
      jobId ??= await find();
      const job = jobId === null ? null : await request(`jobs/${jobId}`);
      if (isOver) return;
      if (job) draw(job);
      if (job && job.status.finished_at !== null) return stop();
    } catch (problem) {
      if (isOver) return;
      stop();
      beside(place, problem);
      return;
    }
    if (polls >= MOST_POLLS) place.append(el("p", { class: "hint" }, "This page looks no further; open the job again from the list."));
    else if (!document.hidden) timer = setTimeout(poll, POLL_MS);
  }

  function draw(job) {
    const { status } = job;
    const content = JSON.stringify({ ...job, status: { ...status, updated_at: null } });
    if (content === drawn) return; // whoever reads or selects is not disturbed by a heartbeat
    place.replaceChildren(jobCard(job));
    if (!drawn) place.querySelector("h3").focus();
    drawn = content;
    const words = status.finished_at === null ? `${status.stage}: ${status.message}` : outcome(status);
    if (words !== last) announce(words);
    last = words;
    if (status.finished_at !== null) ended();
  }

  function onVisible() {
    clearTimeout(timer);
    if (!document.hidden && !isOver) poll();
  }

  function stop() {
    isOver = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisible);
  }

  document.addEventListener("visibilitychange", onVisible);
  poll();
  return stop;
}

function jobCard({ status, report }) {
  const isEnded = status.finished_at !== null;
  const look = { succeeded: "good", rejected: "bad", failed: "bad" }[status.state] ?? null;
  return el("article", { class: "card", "aria-labelledby": "job-title" },
    el("h3", { id: "job-title", tabindex: -1 }, `Job ${status.job_id}`),
    el("p", { class: look }, isEnded ? outcome(status) : `${STATES[status.state] ?? status.state}: ${status.message}`),
    status.next_step ? el("p", {}, `Next: ${status.next_step}`) : "",
    facts([
      ["File", status.upload_key.replace(/^new_data\//, "")],
      ["Source", status.data_source],
      ["Rows", rowsOf(status.rows)],
      ["Data set", status.dataset_rows === null ? null : `${count(status.dataset_rows)} rows`],
      ["Version", status.model_version],
      ["Production on the new rows", liveOf(status.live)],
      ["Held", status.held ? status.held.reason : null],
    ]),
    el("h4", {}, "Stages"),
    el("ol", { class: "stages" }, status.stages.map((stage) => stageItem(stage, status))),
    status.verdict ? [el("h4", {}, "Verdict"), el("p", {}, verdictOf(status.verdict)), slicesTable(status.verdict)] : [],
    status.drift ? driftOf(status.drift) : [],
    report ? reportOf(report) : []);
}

function stageItem(stage, status) {
  const isOpen = stage.seconds === null;
  const state = !isOpen ? "done" : status.finished_at === null ? "running" : ["rejected", "failed"].includes(status.state) ? "stopped" : "done";
  const mark = { done: "✓", running: "…", stopped: "✗" }[state];
  const time = isOpen ? (state === "running" ? "under way" : state === "stopped" ? "the job ended here" : "") : `${stage.seconds.toFixed(1)} s`;
  return el("li", { class: state }, el("span", { "aria-hidden": "true" }, `${mark} `), stage.stage, time ? ` – ${time}` : "");
}

function outcome(status) {
  const state = STATES[status.state] ?? status.state;
  const promoted = status.promoted ? `version ${status.model_version} is live` : "";
  const why = status.reason ?? status.held?.reason ?? status.verdict?.reason ?? status.message;
  return [`${capitalised(state)}`, promoted, why].filter(Boolean).join(": ");
}

function verdictOf(verdict) {
  const decision = verdict.held ? "Held" : verdict.promote ? "Promote" : "Keep the champion";
  return `${decision}: ${verdict.reason}; on ${count(verdict.holdout_rows)} held-out rows.`;
}

function slicesTable(verdict) {
  if (!verdict.slices.length) return "";
  const figure = (one, who) => (one[`${who}_rmse`] ?? one[`${who}_log_loss`])?.toPrecision(4);
  return table("By slice of the held-out rows", [
    { title: "Slice", of: (one) => one.name },
    { title: "Rows", number: true, of: (one) => count(one.rows) },
    { title: `Version ${verdict.champion_version ?? "–"}`, number: true, of: (one) => figure(one, "champion") },
    { title: "This version", number: true, of: (one) => figure(one, "challenger") },
    { title: "Change", number: true, of: (one) => percent(one.change) + (one.is_worse ? ", too much" : "") },
  ], verdict.slices);
}

function driftOf(drift) {
  const heading = el("h4", {}, "Drift of the new rows");
  if (drift.reason) return [heading, el("p", {}, `Not measured: ${drift.reason}.`)];
  return [
    heading,
    el("p", {}, `${drift.warnings.length || "None"} of ${drift.columns.length} columns drift: ${count(drift.rows)} new rows against ${count(drift.reference_rows)} before.`),
    table("Drift by column", [
      { title: "Column", of: (one) => one.name + (one.level === null ? "" : ` (share of ${one.level})`) },
      { title: "Drifts", of: (one) => (one.drifted ? "yes" : "no") },
      { title: "PSI", number: true, of: (one) => one.psi.toFixed(3) },
      { title: "KS", number: true, of: (one) => one.ks.toFixed(3) },
      { title: "Mean before", number: true, of: (one) => one.mean_before.toPrecision(4) },
      { title: "Mean of the new", number: true, of: (one) => one.mean_after.toPrecision(4) },
    ], drift.columns),
  ];
}

function reportOf(report) {
  const ignored = report.ignored_columns.length ? [`Columns that were ignored: ${report.ignored_columns.join(", ")}${report.ignored_columns_total > report.ignored_columns.length ? " and more" : ""}`] : [];
  const remarks = [...report.remarks, ...ignored, ...(report.blank_lines ? [`Blank lines that were skipped: ${count(report.blank_lines)}`] : [])];
  return [
    el("h4", {}, "The file's check"),
    remarks.length ? el("ul", {}, remarks.map((remark) => el("li", {}, remark))) : "",
    report.problems.length ? table(`Errors by row: ${count(report.problems_total)}${report.problems_total > report.problems.length ? `, the first ${report.problems.length} are listed` : ""}`, [
      { title: "Row", of: (one) => (one.row === null ? "–" : String(one.row)) },
      { title: "Column", of: (one) => one.column },
      { title: "Value", of: (one) => (one.value === null ? null : el("code", {}, String(one.value))) },
      { title: "Reason", of: (one) => one.reason },
    ], report.problems) : el("p", {}, "No row has an error."),
  ];
}

function rowsOf(rows) {
  if (!rows) return null;
  const rest = [["twice in the file", rows.duplicates], ["known", rows.known], ["revised", rows.revised]];
  return [`${count(rows.read)} read`, `${count(rows.new)} new`, `${count(rows.rejected)} bad`, ...rest.filter(([, number]) => number).map(([words, number]) => `${count(number)} ${words}`)].join(", ");
}

function liveOf(live) {
  if (!live) return null;
  const error = live.rmse ?? live.log_loss;
  if (error === null) return `version ${live.version}: not measured, ${live.reason}`;
  const inside = live.coverage === null ? "" : `, ${percent(live.coverage).replace("+", "")} of the true values within its interval`;
  return `version ${live.version} on ${count(live.rows)} rows: ${live.rmse === null ? "log loss" : "RMSE"} ${error.toPrecision(4)}${inside}`;
}

// ---- the list ------------------------------------------------------------------------------------

function jobsTable(jobs, open) {
  if (!jobs.length) return el("p", { class: "hint" }, "There are no jobs yet.");
  return table("Jobs, newest first", [
    { title: "Job", of: (one) => el("button", { type: "button", class: "quiet", onclick: () => open(one) }, one.job_id) },
    { title: "File", of: (one) => one.file },
    { title: "State", of: (one) => (one.state === "running" ? `running: ${one.stage}` : STATES[one.state] ?? one.state) },
    { title: "Version", of: (one) => (one.model_version === null ? null : `${one.model_version}${one.promoted ? ", promoted" : ""}`) },
    { title: "Started", of: (one) => new Date(one.created_at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }) },
    { title: "Why", of: (one) => one.reason ?? one.message },
  ], jobs);
}

function facts(pairs) {
  return el("dl", {}, pairs.filter(([, value]) => value !== null && value !== undefined)
    .flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]));
}

const count = (number) => number.toLocaleString("en-US");
const percent = (share) => `${share >= 0 ? "+" : "−"}${Math.abs(100 * share).toFixed(1)} %`;
const capitalised = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

function bytes(number) {
  const units = ["bytes", "kB", "MB", "GB"];
  const place = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, number)) / 3));
  return `${(number / 1000 ** place).toLocaleString("en-US", { maximumFractionDigits: 1 })} ${units[place]}`;
}
