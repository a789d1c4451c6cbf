// Service: requests, errors and latency of the last hours, and the alarms that ring.

import { el, errorBox, KeyRejected, Problem, request, table } from "./shell.js";
import { barsChart, linesChart, widthIn } from "./charts.js";

const EVERY_MS = 60_000;
const MOST_TIMES = 240; // four hours
const HOURS = [[6, "6 hours"], [24, "24 hours"], [168, "7 days"]];
const LATENCIES = [["0.5", "p50", "the middle one"], ["0.99", "p99", "one in a hundred is slower"]];
const ALARMS = { ALARM: "rings", OK: "silent", INSUFFICIENT_DATA: "no figures yet" };

export async function show(root, { report }) {
  const figures = el("div", {});
  const state = el("div", {});
  const alerts = el("div", {});
  const hours = el("select", { id: "hours", onchange: () => again() }, HOURS.map(([value, text]) => el("option", { value }, text)));
  root.append(state, el("p", { class: "choice" }, el("label", { for: "hours" }, "Show the last"), hours), figures, alerts);
  let timer = 0;
  let times = 0;
  let turn = 0;

  async function again() {
    clearTimeout(timer);
    const mine = ++turn;
    await Promise.all([
      shown(state, () => request("health", { key: null }), healthOf, () => mine === turn),
      shown(figures, () => request(`metrics/history?hours=${hours.value}`), (history) => historyOf(history, widthIn(root)), () => mine === turn),
      shown(alerts, alarms, alertsOf, () => mine === turn),
    ]);
    times += 1;
    if (mine === turn && times < MOST_TIMES && !document.hidden) timer = setTimeout(again, EVERY_MS);
  }

  async function shown(place, ask, draw, isWanted) {
    try {
      const answer = await ask();
      if (isWanted()) place.replaceChildren(...draw(answer));
    } catch (problem) {
      if (!isWanted()) return;
      if (problem instanceof Problem && !(problem instanceof KeyRejected)) place.replaceChildren(errorBox(problem));
      else report(problem);
    }
  }

  const onVisible = () => { if (!document.hidden) again(); };
  document.addEventListener("visibilitychange", onVisible);
  await again();
  return () => {
    turn += 1;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisible);
  };
}

/** Return the alarms, or null for a key that may not read them. */
async function alarms() {
  try {
    return await request("alerts");
  } catch (problem) {
    if (problem.status === 403 && !(problem instanceof KeyRejected)) return null;
    throw problem;
  }
}

function healthOf(health) {
  const words = { ok: "The service is well", degraded: "The service is degraded", no_model: "No model is live yet" }[health.status];
  const model = health.model ? `; version ${health.model.version} answers` : "";
  return [el("p", { class: `answer ${health.status === "ok" ? "good" : "bad"}` }, words + model),
    health.reason ? el("p", {}, health.reason) : ""];
}

// ---- figures -------------------------------------------------------------------------------------

function historyOf(history, width) {
  const periods = history.periods.map((one) => ({
    at: new Date(one.at),
    count: one.requests,
    part: sum(Object.values(one.errors)),
    latency: one.latency_ms,
    errors: one.errors,
  }));
  const requests = sum(periods.map(({ count }) => count));
  const failed = sum(periods.map(({ part }) => part));
  const span = history.period_seconds === 3_600 ? "hour" : `${history.period_seconds / 60} minutes`;
  const until = new Date(history.until).toLocaleTimeString("en-GB", { timeStyle: "short" });
  const counted = `${requests.toLocaleString("en-US")} requests, ${failed.toLocaleString("en-US")} of them refused or failed, up to ${until}.`;
  const slowest = Math.max(0, ...periods.map(({ latency }) => latency["0.99"] ?? 0));
  const timed = requests ? `Latency of requests: in the slowest ${span} one in a hundred took over ${Math.round(slowest)} ms.` : "There were no requests to time.";
  return [
    el("h3", {}, "Requests"),
    el("p", {}, counted),
    barsChart({ periods, width, words: `Requests by ${span}. ${counted}` }),
    el("p", { class: "hint" }, "Bars are requests; their dark foot is what was refused or failed."),
    el("h3", {}, "Latency"),
    el("p", {}, timed),
    requests ? linesChart({
      periods, width, words: timed, shown: (value) => `${Math.round(value)} ms`,
      lines: LATENCIES.map(([quantile, name]) => ({ name, of: ({ latency }) => latency[quantile] })),
    }) : "",
    requests ? el("p", { class: "hint" }, `Solid: ${LATENCIES[0][1]}, ${LATENCIES[0][2]}. Dashed: ${LATENCIES[1][1]}, ${LATENCIES[1][2]}.`) : "",
    reasonsTable(periods),
    el("details", {}, el("summary", {}, "The figures as a table"), periodsTable(periods, span)),
  ];
}

function reasonsTable(periods) {
  const totals = {};
  for (const { errors } of periods) for (const [reason, number] of Object.entries(errors)) totals[reason] = (totals[reason] ?? 0) + number;
  const rows = Object.entries(totals).sort(([, one], [, other]) => other - one);
  if (!rows.length) return "";
  return table("Refused or failed, by reason", [
    { title: "Reason", of: ([reason]) => reason.replaceAll("_", " ") },
    { title: "Requests", number: true, of: ([, number]) => number.toLocaleString("en-US") },
  ], rows);
}

function periodsTable(periods, span) {
  const busy = periods.filter(({ count, part }) => count || part);
  const milliseconds = (value) => (value === undefined ? null : `${Math.round(value)} ms`);
  return table(`By ${span}, those with requests`, [
    { title: "From", of: ({ at }) => at.toLocaleString("en-GB", { dateStyle: "short", timeStyle: "short" }) },
    { title: "Requests", number: true, of: ({ count }) => count.toLocaleString("en-US") },
    { title: "Errors", number: true, of: ({ part }) => part.toLocaleString("en-US") },
    ...LATENCIES.map(([quantile, name]) => ({ title: name, number: true, of: ({ latency }) => milliseconds(latency[quantile]) })),
  ], busy);
}

// ---- alarms --------------------------------------------------------------------------------------

function alertsOf(answer) {
  const heading = el("h3", {}, "Alarms");
  if (answer === null) return [heading, el("p", { class: "hint" }, "Alarms want a key with the scope admin: housing keys create --scope admin.")];
  const words = answer.ringing ? `${answer.ringing} of ${answer.alarms.length} alarms ring.` : `None of ${answer.alarms.length} alarms rings.`;
  return [
    heading,
    el("p", { class: answer.ringing ? "bad" : "good" }, answer.alarms.length ? words : "This stack has no alarms in CloudWatch."),
    el("p", { class: "hint" }, "From CloudWatch. Alerts of Prometheus' rules, where monitoring/ runs, are in Alertmanager."),
    answer.alarms.length ? table("Alarms of this stack, those that ring first", [
      { title: "Alarm", of: (one) => one.name },
      { title: "State", of: (one) => ALARMS[one.state] },
      { title: "What it means", of: (one) => one.description },
      { title: "Since", of: (one) => new Date(one.since).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }) },
      { title: "CloudWatch's reason", of: (one) => one.reason },
    ], answer.alarms) : "",
  ];
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
