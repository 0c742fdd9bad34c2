// Times and runs ONNX files by onnxruntime-web, apart from the page, so that drawing does not disturb it.

import { excuse, pack } from "./phone_result.js";
import { ARRAYS, breathe, generator, now, referenceMs, timeLoad } from "./phone_session.js";

const MODULES = { wasm: "ort.wasm.min.mjs", webgpu: "ort.jspi.min.mjs" };
const KEPT_BYTES = 150e6;

let ort = null;
let backend = "wasm";
let hidden = false;
let hiddenSince = 0;
let hiddenMs = 0;
let hiddenTimes = 0;
let kept = null; // The session of the last run: batches of pictures come one after another.
const files = new Map();

async function prepare(settings) {
  backend = settings.backend;
  ort = await import(settings.runtime + MODULES[backend]);
  ort.env.wasm.numThreads = settings.threads;
  ort.env.wasm.wasmPaths = settings.runtime;
  ort.env.logLevel = "error";
  return ort.env.versions.web;
}

async function inSight() {
  await breathe();
  while (hidden) await new Promise((resolve) => setTimeout(resolve, 100));
}

async function fetchFile(page, content) {
  let data = files.get(content.sha256);
  if (data === undefined) {
    const answer = await fetch(`/phone/pages/${page}/files/${content.sha256}`);
    if (!answer.ok) throw new Error(`the hub did not hand over a file (${answer.status})`);
    data = new Uint8Array(await answer.arrayBuffer());
    if (data.byteLength !== content.bytes) throw new Error("a file did not arrive whole");
  }
  files.delete(content.sha256); // The one that was used longest ago comes first.
  files.set(content.sha256, data);
  return data;
}

async function fetchFiles(page, contents) {
  const found = new Map();
  for (const content of contents) {
    if (!found.has(content.sha256)) found.set(content.sha256, await fetchFile(page, content));
  }
  let total = 0;
  for (const data of files.values()) total += data.byteLength;
  for (const [sha256, data] of files) {
    if (total <= KEPT_BYTES) break;
    if (found.has(sha256)) continue;
    files.delete(sha256);
    total -= data.byteLength;
  }
  return found;
}

function open(data) {
  return ort.InferenceSession.create(data, { executionProviders: [backend] });
}

async function time(page, job) {
  const { plan } = job;
  const found = await fetchFiles(page, job.models);
  const models = job.models.map((content) => found.get(content.sha256));
  const random = generator(plan.seed);
  const head = { samples: [], first_runs_ms: models.map(() => []), reference_ms: [], dropped: 0 };
  const begun = now();
  hiddenMs = 0;
  for (let load = 0; load < plan.loads; ) {
    await inSight();
    const before = hiddenTimes;
    const reference = referenceMs();
    const { first, samples } = await timeLoad(ort, models.map((data) => () => open(data)), plan, load, random);
    await breathe();
    if (hiddenTimes !== before) {
      head.dropped += 1;
      continue;
    }
    head.reference_ms.push(reference);
    head.samples.push(...samples);
    first.forEach((ms, subject) => head.first_runs_ms[subject].push(ms));
    load += 1;
    postMessage({ kind: "progress", done: load, of: plan.loads, referenceMs: reference });
  }
  head.reference_ms.push(referenceMs());
  head.seconds = (now() - begun) / 1e3;
  head.hidden_s = hiddenMs / 1e3;
  return { head, bodies: [] };
}

async function run(page, job) {
  const { content, dtype, shape } = job.images;
  const found = await fetchFiles(page, [...job.models, content]);
  const { sha256 } = job.models[0];
  if (kept?.sha256 !== sha256) {
    await kept?.session.release();
    kept = null;
    kept = { sha256, session: await open(found.get(sha256)) };
  }
  const bytes = found.get(content.sha256);
  files.delete(content.sha256);
  const data = new ARRAYS[dtype](bytes.buffer, bytes.byteOffset, bytes.byteLength / ARRAYS[dtype].BYTES_PER_ELEMENT);
  const { session } = kept;
  const outputs = await session.run({ [session.inputNames[0]]: new ort.Tensor(dtype, data, shape) });
  const tensors = session.outputNames.map((name) => outputs[name]);
  return {
    head: { outputs: tensors.map((tensor) => ({ dtype: tensor.type, shape: [...tensor.dims] })) },
    bodies: tensors.map(({ data: values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  };
}

async function work({ page, job }) {
  try {
    if (job.work === "time") {
      await kept?.session.release();
      kept = null;
    }
    const { head, bodies } = await (job.work === "time" ? time : run)(page, job);
    postMessage({ kind: "result", name: job.name, data: pack(head, bodies) });
  } catch (error) {
    const text = String(error?.message ?? error).slice(0, 600) || "an error without words";
    postMessage({ kind: "result", name: job.name, data: excuse(text), error: text });
  }
}

onmessage = async ({ data: message }) => {
  if (message.kind === "prepare") {
    try {
      const version = await prepare(message);
      for (let warm = 0; warm < 2; warm++) referenceMs();
      postMessage({ kind: "ready", version, referenceMs: referenceMs() });
    } catch (error) {
      postMessage({ kind: "unable", error: String(error?.message ?? error) });
    }
  } else if (message.kind === "sight") {
    if (message.hidden && !hidden) {
      hiddenTimes += 1;
      hiddenSince = now();
    } else if (!message.hidden && hidden) {
      hiddenMs += now() - hiddenSince;
    }
    hidden = message.hidden;
  } else if (message.kind === "job") {
    await work(message);
  }
};
