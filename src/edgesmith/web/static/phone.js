// The page that makes its browser a device: keeps one request open to the hub, hands jobs to a worker, and says
// what goes on. See edgesmith's devices/browser/protocol.py for what is said between page and hub.

import { describe, suggestName } from "./phone_about.js";
import { excuse, send } from "./phone_result.js";

const LOG_LINES = 20;
const RETRY_MS = [1000, 2000, 5000, 10000];
const BYE = "/bye";

const element = (id) => document.getElementById(id);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let about = null;
let page = null; // The secret that the hub gave this page.
let name = "";
let worker = null;
let settings = null; // Of the worker: threads and backend.
let job = null;
let talk = null; // Breaks the request that is open, to tell the hub something new.
let leaving = false;
let bestMs = Infinity;

const RUNTIME = document.querySelector("[data-runtime]").dataset.runtime;

function show(kind, text, detail = "") {
  element("state").dataset.kind = kind;
  element("state").textContent = text;
  element("detail").textContent = detail;
  element("progress").hidden = kind !== "busy";
}

function remembered(key, make) {
  const found = localStorage.getItem(key) ?? make();
  localStorage.setItem(key, found);
  return found;
}

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function ask(path, body) {
  talk = new AbortController();
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: talk.signal,
  });
  if (answer.status === 401) throw new Error("token");
  const data = await answer.json();
  if (data.error) throw Object.assign(new Error(data.error.message), { problem: data.error.problem });
  return data;
}

// ---- the worker

function startWorker(wanted) {
  worker?.terminate();
  settings = wanted;
  worker = new Worker("/static/phone_worker.js", { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message || "its script could not be loaded"));
    worker.onmessage = ({ data: message }) => {
      if (message.kind === "unable") reject(new Error(message.error));
      if (message.kind !== "ready") return;
      worker.onmessage = ({ data: later }) => hear(later);
      worker.onerror = (event) => failed(event.message || "the worker broke down");
      worker.postMessage({ kind: "sight", hidden: document.hidden });
      noteSpeed(message.referenceMs);
      resolve(message.version);
    };
    worker.postMessage({ kind: "prepare", runtime: RUNTIME, ...wanted });
  });
}

async function begin(next) {
  job = { ...next, begun: performance.now() };
  element("progress").removeAttribute("value");
  show("busy", `${job.work === "time" ? "Timing" : "Running"} ${plural(job.models.length, "file")}`, `for ${job.client}`);
  try {
    const wanted = { threads: job.threads, backend: job.backend };
    if (JSON.stringify(wanted) !== JSON.stringify(settings)) await startWorker(wanted);
    worker.postMessage({ kind: "job", page, job: next });
  } catch (error) {
    settings = null;
    failed(`the runtime cannot be started: ${error.message}`);
  }
}

function hear(message) {
  if (message.kind === "progress") {
    noteSpeed(message.referenceMs);
    element("progress").value = message.done / message.of;
    element("detail").textContent = `for ${job?.client}: loading ${message.done} of ${message.of} done`;
  } else if (message.kind === "result" && job?.name === message.name) {
    deliver(message.data, message.error);
  }
}

function failed(text) {
  settings = null; // The next job gets a fresh worker.
  if (job) deliver(excuse(text), text);
}

async function deliver(data, error) {
  const done = job;
  done.delivered = true;
  const refusal = await send(page, done.name, data);
  if (refusal && !error) {
    error = refusal;
    await send(page, done.name, excuse(refusal)); // Else the hub would wait, and hand out the same job again.
  }
  if (job !== done) return;
  const seconds = ((performance.now() - done.begun) / 1e3).toFixed(1);
  const what = `${done.work === "time" ? "timed" : "ran"} ${plural(done.models.length, "file")}`;
  log(`${what} for ${done.client}, ${plural(done.threads, "thread")}, ${done.backend}: ${error ?? `${seconds} s`}`);
  job = null;
  ready();
  talk?.abort();
}

// ---- the hub

async function connect() {
  for (let tries = 0; ; ) {
    try {
      const key = remembered("edgesmith-key", randomKey);
      page = (await ask("/phone/pages", { ...about, name, key })).page;
      tries = 0;
      ready();
      await listen();
      return;
    } catch (error) {
      if (error.name === "AbortError" && leaving) return;
      if (error.message === "token") {
        show("bad", "Not let in any more", "The application was started anew. Scan its QR code again.");
        return;
      }
      if (error.problem === "busy" || error.problem === "request") {
        show("bad", error.message);
        element("join").hidden = false;
        return;
      }
      if (error.problem !== "unknown") show("bad", "The computer is out of reach", "Trying again.");
      await sleep(RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
    }
  }
}

async function listen() {
  while (!leaving) {
    let news = {};
    try {
      news = await ask(`/phone/pages/${page}/wait`, { hidden: document.hidden, job: job?.name ?? "" });
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
    if (news.stop && news.stop === job?.name && !job.delivered) {
      worker.terminate();
      settings = null;
      log(`${job.work} for ${job.client}: stopped`);
      job = null;
      ready();
    }
    if (news.job) begin(news.job);
  }
}

// ---- what people see

function ready() {
  if (job) return;
  if (document.hidden) show("wait", "Hidden", "Bring this page to the front.");
  else show("ready", `Ready as browser:${name}`, "Keep this page in sight.");
}

function noteSpeed(ms) {
  bestMs = Math.min(bestMs, ms);
  const share = bestMs / ms;
  element("fact-speed").textContent = `${Math.round(100 * share)} %`;
  warn("heat", share < 0.9 && "Slower than it was: this device may be hot, or something else runs on it. Let it rest.");
}

function warn(id, text) {
  element(`warning-${id}`)?.remove();
  if (!text) return;
  const item = document.createElement("li");
  item.id = `warning-${id}`;
  item.textContent = text;
  element("warnings").append(item);
}

function log(text) {
  element("nothing").hidden = true;
  const item = document.createElement("li");
  item.textContent = `${new Date().toLocaleTimeString()} ${text}`;
  element("log").prepend(item);
  while (element("log").children.length > LOG_LINES) element("log").lastChild.remove();
}

const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function showFacts() {
  element("fact-threads").textContent = about.isolated && about.cores > 1 ? `up to ${about.cores}` : "1";
  element("fact-clock").textContent = `steps of ${about.clock_us < 1000 ? `${about.clock_us} µs` : `${about.clock_us / 1e3} ms`}`;
  element("fact-webgpu").textContent = about.webgpu ? "yes" : "no";
  element("fact-runtime").textContent = `onnxruntime-web ${about.version}${about.simd ? ", SIMD" : ", no SIMD"}`;
  warn(
    "insecure",
    !about.secure &&
      "This address is not secure (plain HTTP from another machine): one thread only, a coarse clock, no WebGPU, and " +
        "the screen must be kept on by hand. Serve the application over HTTPS to get them.",
  );
  warn("isolated", about.secure && !about.isolated && "This page is not isolated from others: one thread only.");
}

// ---- the screen

let wake = null;

async function stayAwake() {
  if (!("wakeLock" in navigator)) {
    element("fact-wake").textContent = "no: set a long screen timeout";
    return;
  }
  try {
    wake = await navigator.wakeLock.request("screen");
    element("fact-wake").textContent = "yes";
    wake.addEventListener("release", () => (element("fact-wake").textContent = "no"));
  } catch {
    element("fact-wake").textContent = "refused (battery saver?)";
  }
}

document.addEventListener("visibilitychange", () => {
  worker?.postMessage({ kind: "sight", hidden: document.hidden });
  if (!document.hidden && page) stayAwake();
  if (!job) ready();
  if (document.hidden && job) log("hidden: what was being timed is thrown away and done again");
  talk?.abort();
});

addEventListener("pagehide", () => page && navigator.sendBeacon(`/phone/pages/${page}${BYE}`));
addEventListener("pageshow", (event) => event.persisted && location.reload());

element("join").addEventListener("submit", (event) => {
  event.preventDefault();
  join(element("name").value.trim());
});

element("name").addEventListener("input", () => (element("typed").textContent = element("name").value || "NAME"));

element("leave").addEventListener("click", () => {
  leaving = true;
  localStorage.removeItem("edgesmith-name");
  navigator.sendBeacon(`/phone/pages/${page}${BYE}`);
  location.assign("/phone");
});

function join(chosen) {
  name = chosen;
  localStorage.setItem("edgesmith-name", name);
  element("join").hidden = true;
  element("leave").hidden = false;
  element("fact-name").textContent = `browser:${name}`;
  element("example").textContent = name;
  stayAwake();
  connect();
}

async function start() {
  try {
    about = await describe(await startWorker({ threads: 1, backend: "wasm" }));
  } catch (error) {
    show("bad", "This browser cannot run the files", error.message);
    return;
  }
  showFacts();
  const asked = new URLSearchParams(location.search).get("name") ?? localStorage.getItem("edgesmith-name");
  if (asked && /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/.test(asked)) {
    join(asked);
    return;
  }
  element("name").value = suggestName();
  element("typed").textContent = element("name").value;
  element("join").hidden = false;
  show("wait", "Give it a name");
}

start();
