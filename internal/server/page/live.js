"use strict";
// Asks the API every two seconds and writes the answers into the page. Every
// text goes in as text, never as markup: ids and names come from outside.

const PERIOD = 2000;
const $ = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
let paused = false;
let before = null; // the records and the time of the last answer

function el(tag, className, ...children) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  e.append(...children);
  return e;
}

function text(id, value) {
  if ($(id).textContent !== value) $(id).textContent = value;
}

const shown = {}; // what each list shows, as JSON

// fill writes a list again if it has changed, and keeps the keyboard's place.
function fill(id, items, render, empty) {
  const now = JSON.stringify(items);
  if (shown[id] === now) return;
  shown[id] = now;
  const focused = $(id).contains(document.activeElement) ? document.activeElement.dataset.id : undefined;
  $(id).replaceChildren(...(items.length ? items.map(render) : [el("li", "empty", empty)]));
  if (focused !== undefined) [...$(id).querySelectorAll("[data-id]")].find((e) => e.dataset.id === focused)?.focus();
}

const percent = (v) => v === null || v === undefined ? "–" : `${(100 * v).toFixed(v && v < .1 ? 1 : 0)} %`;

// replies says how the number is answered, and how it will be once the sends
// that are still waiting are resolved.
function replies(n) {
  const parts = [];
  if (n.replies.ratio !== null) parts.push(`${percent(n.replies.ratio)} of resolved sends answered`);
  if (n.replies.nowcast !== null && n.replies.pending) parts.push(`${percent(n.replies.nowcast)} expected of all, ${whole.format(n.replies.pending)} pending`);
  if (n.answered_sender) parts.push("tempered: people answer");
  const silent = Object.keys(n.silent).length;
  if (silent) parts.push(silent === 1 ? "1 factor silent" : `${silent} factors silent`);
  return parts.join(" · ");
}

const words = (name) => String(name).replaceAll("_", " ");

function value(v) {
  if (v === null || v === undefined) return "–";
  if (typeof v !== "number") return String(v);
  return Number.isInteger(v) ? whole.format(v) : v.toFixed(3);
}

function when(t) {
  const d = new Date(t);
  return isNaN(d) ? "–" : d.toISOString().slice(0, 19).replace("T", " ") + " UTC";
}

function span(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

async function ask(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(8000) });
  const body = await answer.json();
  if (!answer.ok && answer.status !== 404) throw new Error(body.error || body.reason || `status ${answer.status}`);
  return body;
}

function showNumbers(body) {
  if (!body.numbers) return fill("numbers", [], null, body.error);
  for (const band of ["high", "medium", "low"]) text(`band-${band}`, whole.format(body.bands[band] || 0));
  fill("numbers", body.numbers, (n) => {
    const name = el("button", "name", n.number_id);
    name.type = "button";
    name.dataset.id = n.number_id;
    name.addEventListener("click", () => detail(n.number_id));
    const chips = n.top.map((c) => el("span", `chip ${n.levels[c.factor] || ""}`,
      `${words(c.factor)}${c.key ? " " + c.key : ""} −${c.points.toFixed(c.points < 10 ? 1 : 0)}`));
    return el("li", "",
      el("div", `score ${n.band}`, String(n.score), el("small", "", n.band)),
      el("div", "body", name, el("div", "meta", replies(n)), el("div", "chips", ...chips)));
  }, "No number has sent anything yet.");
}

function showFlags(body) {
  if (!body.groups) return fill("flags", [], null, body.error);
  fill("flags", body.groups, (group) => {
    const f = group.newest;
    const thresholds = f.level === "danger" ? f.danger : f.warn;
    const facts = [`value ${value(f.value)}`];
    if (thresholds !== null && thresholds !== undefined && f.level !== "none") facts.push(`${f.level} at ${value(thresholds)}`);
    if (f.eta !== null && f.eta !== undefined && f.eta >= 0) facts.push(`danger in about ${span(f.eta)}`);
    const name = el("button", "name", `${words(f.factor)}${f.key ? " " + f.key : ""}`);
    name.type = "button";
    name.dataset.id = `${f.flag_id} ${f.sequence}`;
    name.addEventListener("click", () => flagDetail(f));
    return el("li", "", el("div", "body",
      el("div", "", el("span", `chip ${f.level}`, f.transition === "cleared" ? "cleared" : `${f.transition}: ${f.level}`), " ", name),
      el("div", "meta", `${group.subjects[0]} · ${facts.join(" · ")}`),
      el("div", "meta", when(f.event_time)),
      ...(group.subjects.length > 1 ? [others(group)] : [])));
  }, "No flag since this process started. Those of before are in the flags topic and in ClickHouse.");
}

// others names the subjects that a group of flags stands for as well.
function others(group) {
  const named = group.subjects.slice(1).join(", ");
  return el("div", "meta", group.more ? `also ${named} and ${whole.format(group.more)} more` : `also ${named}`);
}

function showPortfolios(body) {
  if (!body.portfolios) return fill("portfolios", [], null, body.error);
  fill("portfolios", body.portfolios, (p) => {
    const band = p.band || "unknown";
    const room = p.limit === null ? "limit unknown" : p.limit < 0 ? "no limit" : `of ${whole.format(p.limit)}`;
    const count = p.numbers.high + p.numbers.medium + p.numbers.low;
    const chips = Object.entries(p.levels).map(([f, l]) => el("span", `chip ${l}`, `${words(f)}: ${l}`));
    return el("li", "",
      el("div", `score ${band}`, p.score === null ? "–" : String(p.score), el("small", "", band)),
      el("div", "body", el("div", "name", p.portfolio_id),
        el("div", "meta", `${whole.format(p.unique_initiated_24h)} contacts in 24 h, ${room} · ${whole.format(count)} numbers`
          + (p.numbers.low ? `, ${whole.format(p.numbers.low)} low` : "") + (p.restricted_7d ? ` · ${whole.format(p.restricted_7d)} restricted in 7 d` : "")),
        el("div", "chips", ...chips)));
  }, "No portfolio is known yet.");
}

// showProblems lists why the process is not ready, and what to do about each.
function showProblems(problems) {
  $("problems").hidden = problems.length === 0;
  fill("reasons", problems, (p) => el("li", "", el("div", "body",
    el("div", "", el("span", "chip warn", words(p.reason)), " ", p.detail),
    el("div", "meta", `${p.role}${p.topic ? `, ${p.topic} partition ${p.partition}` : ""} · ${p.action}`))), "");
}

function showStatus(s) {
  if (!s.partitions) return;
  const read = Object.values(s.records).reduce((a, b) => a + b, 0);
  const now = performance.now();
  if (before && now > before.at) text("rate", compact.format(Math.max(0, (read - before.read) * 1000 / (now - before.at))));
  before = { read, at: now };
  text("records", compact.format(read));
  const input = s.partitions.filter((p) => p.role === "numbers");
  const behind = Math.max(0, ...input.map((p) => p.lag_seconds));
  const lag = input.reduce((a, p) => a + (p.lag ?? 0), 0);
  text("lag", input.some((p) => p.lag === null) ? "not known yet" : lag === 0 ? "none" : `${compact.format(lag)} · ${span(behind)}`);
  $("partitions").replaceChildren(...s.partitions.map((p) => el("tr", "",
    el("td", "", p.role), el("td", "", `${p.topic}/${p.partition}`), el("td", p.error ? "bad" : "", p.error || p.waiting || words(p.state)),
    el("td", "n", whole.format(p.next_offset)), el("td", "n", (p.lag === null ? "not known yet" : whole.format(p.lag)) + (p.held_back ? ` (${whole.format(p.held_back)} held back)` : "")), el("td", "n", span(p.lag_seconds)),
    el("td", "", p.watermark ? when(p.watermark) : "–"))));
  text("classes", Object.entries(s.records).map(([k, v]) => `${k} ${whole.format(v)}`).join(" · ") + (s.late ? ` · late ${whole.format(s.late)}` : ""));
  text("versions", `${s.version} · policy ${s.policy_version} · started ${when(s.started)}`);
}

// inForce shows each level of a number, danger first, with the value that brought it, since when, and what to do.
// Flags are the newest that are remembered; a level of before is shown alone.
function inForce(levels, flags) {
  const order = Object.entries(levels).sort(([, a], [, b]) => (a === "danger" ? 0 : 1) - (b === "danger" ? 0 : 1));
  return order.map(([factor, level]) => {
    const f = flags.find((flag) => flag.factor === factor && flag.level === level);
    return el("div", "force", el("span", `chip ${level}`, `${words(factor)}: ${level}`),
      ...(f ? [el("span", "meta", ` value ${value(f.value)} · since ${when(f.event_time)}`), el("p", "advice", f.advice || "")] : []));
  });
}

async function detail(id) {
  $("detail-title").textContent = id;
  $("detail-body").replaceChildren(el("p", "meta", "Asking …"));
  $("detail").showModal();
  try {
    const [n, newest] = await Promise.all([
      ask(`api/numbers/${encodeURIComponent(id)}`), ask(`api/flags?number_id=${encodeURIComponent(id)}&limit=500`)]);
    if (!n.facts) throw new Error(n.error);
    const facts = Object.entries(n.facts).map(([k, v]) => el("div", "", el("dt", "", words(k)),
      el("dd", "", (k === "wake" || k === "linked") && v ? when(v) : value(v))));
    const silent = Object.entries(n.silent).map(([f, why]) => el("p", "meta", `${words(f)} is silent: ${why}`));
    $("detail-body").replaceChildren(
      el("p", "meta", `score ${n.score} (${n.band})${n.portfolio_id ? " · portfolio " + n.portfolio_id : ""} · as of ${when(n.clock)}`),
      el("p", "meta", replies(n)),
      ...inForce(n.levels, newest.flags || []),
      ...(n.answered_sender ? [el("p", "meta", "People answer this number, so that its factors of volume are at most at warn.")] : []),
      ...silent, el("dl", "facts", ...facts));
  } catch (e) {
    $("detail-body").replaceChildren(el("p", "", e.message));
  }
}

function flagDetail(f) {
  const pairs = Object.entries((f.evidence && f.evidence.counts) || {});
  const at = f.position ? `${f.position.topic}/${f.position.partition} offset ${f.position.offset}` : "–";
  pairs.push(["score", f.score], ["caused by", at], ["policy", f.policy_version], ["flag", f.flag_id]);
  $("detail-title").textContent = `${words(f.factor)}: ${f.transition}`;
  $("detail-body").replaceChildren(
    el("p", "meta", `${f.number_id || f.portfolio_id} · value ${value(f.value)} · warn ${value(f.warn)} · danger ${value(f.danger)} · ${when(f.event_time)}`),
    el("p", "advice", f.advice || ""),
    el("dl", "facts wide", ...pairs.map(([k, v]) => el("div", "", el("dt", "", words(k)), el("dd", "", value(v))))));
  $("detail").showModal();
}

async function tick() {
  if (!paused && !document.hidden) {
    try {
      const [ready, numbers, flags, portfolios, status] = await Promise.all([
        fetch("readyz", { signal: AbortSignal.timeout(8000) }).then((r) => r.json()),
        ask("api/numbers?limit=15"), ask("api/flags/groups?limit=15"), ask("api/portfolios?limit=12"), ask("api/status")]);
      if (!paused) {
        showNumbers(numbers);
        showFlags(flags);
        showPortfolios(portfolios);
        showStatus(status);
        $("state").className = ready.ready ? "ok" : "wait";
        const names = [...new Set((ready.problems || []).map((p) => words(p.reason)))];
        text("state", ready.ready ? "Running, caught up" : `Not ready: ${names.join(", ")}`);
        showProblems(status.problems || ready.problems || []);
      }
    } catch (e) {
      $("state").className = "bad";
      text("state", `No answer (${e.message}); trying again`);
      before = null;
    }
  }
  setTimeout(tick, PERIOD);
}

$("pause").addEventListener("click", () => {
  paused = !paused;
  before = null;
  $("pause").setAttribute("aria-pressed", String(paused));
  $("pause").textContent = paused ? "Resume" : "Pause";
  if (paused) { $("state").className = ""; text("state", "Paused"); }
});
tick();
