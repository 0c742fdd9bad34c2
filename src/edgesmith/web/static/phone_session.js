// One loading of a timing session, as edgesmith's session.py does it: open everything, warm up, then shuffled rounds.

const PICTURES = ["float32", "float16", "uint8", "int8"];
const OPEN_SIDE = 224;
const BATCH_MS = 5;
const AGREE = 1.03;
const REFERENCE_REPEATS = 3;

export const now = () => performance.now();

// Reproducible numbers from 0 to 1 (mulberry32).
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(count, random) {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

// Lets messages of the page in: awaiting a run alone does not.
export function breathe() {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(0);
  });
}

export const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  float16: typeof Float16Array === "undefined" ? Uint16Array : Float16Array,
};

function noise(ort, session, seed) {
  const input = session.inputMetadata[0];
  const shape = input.shape.map((size, axis) => (typeof size === "number" ? size : axis === 0 ? 1 : OPEN_SIDE));
  const random = generator(seed);
  if (!PICTURES.includes(input.type)) {
    throw new Error(`input ${input.name} is ${input.type}; pictures are ${PICTURES.join(", ")}`);
  }
  const data = new ARRAYS[input.type](shape.reduce((product, size) => product * size, 1));
  const isFloat = input.type.startsWith("float");
  for (let index = 0; index < data.length; index++) {
    data[index] = isFloat
      ? Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
      : Math.floor(random() * 256);
  }
  return { [session.inputNames[0]]: new ort.Tensor(input.type, data, shape) };
}

// The page's own fixed work: takes as long today as tomorrow on a device that keeps its speed.
const CELLS = new Float64Array(4096).fill(1);
function fixedWork() {
  for (let pass = 0; pass < 1500; pass++) {
    for (let index = 0; index < CELLS.length; index++) CELLS[index] = CELLS[index] * 0.999999 + 1e-6;
  }
}

export function referenceMs() {
  let best = Infinity;
  for (let repeat = 0; repeat < REFERENCE_REPEATS; repeat++) {
    const begun = now();
    fixedWork();
    best = Math.min(best, now() - begun);
  }
  return best;
}

async function timedMs(run, count) {
  const begun = now();
  for (let index = 0; index < count; index++) await run();
  return (now() - begun) / count;
}

// Milliseconds a run, and the runs, of a stretch that is as long as it must be, however wrong the forecast was.
async function stretch(run, forecast, leastMs) {
  const begun = now();
  let runs = 0;
  let elapsed = 0;
  for (let count = forecast; elapsed < leastMs; ) {
    for (let index = 0; index < count; index++) await run();
    runs += count;
    elapsed = now() - begun;
    count = Math.max(1, Math.ceil(((leastMs - elapsed) * runs) / Math.max(elapsed, 1e-3)));
  }
  return [elapsed / runs, runs];
}

// Milliseconds of the first run, and of a warm one; batches grow until the clock can tell them.
async function warmUp(run, plan) {
  const begun = now();
  const firstMs = await timedMs(run, 1);
  let count = 1;
  let runs = 1;
  const batches = [];
  for (;;) {
    const ms = await timedMs(run, count);
    runs += count;
    if (ms * count < BATCH_MS) {
      count *= 2;
      continue;
    }
    batches.push(ms);
    const last = batches.slice(-3);
    const agree = last.length === 3 && Math.max(...last) <= AGREE * Math.min(...last);
    if ((agree && runs >= plan.warmup_runs) || (batches.length > 1 && now() - begun >= plan.warmup_s * 1e3)) {
      return [firstMs, Math.min(...last)];
    }
  }
}

// As Plan of plan.py.
const numRuns = (plan, runMs) => Math.max(1, Math.ceil(plan.sample_ms / runMs - 1e-6));
function numSamples(plan, runMs) {
  const fitting = Math.floor(plan.visit_ms / Math.max(runMs, plan.sample_ms)) - plan.settle_runs;
  return Math.max(1, Math.min(plan.samples, fitting));
}
function numRounds(plan, runMs) {
  const visitMs = runMs * plan.settle_runs + numSamples(plan, runMs) * Math.max(runMs, plan.sample_ms);
  return Math.min(plan.max_rounds, Math.max(plan.min_rounds, Math.round((plan.load_s * 1e3) / visitMs)));
}

export async function timeLoad(ort, openers, plan, load, random) {
  const sessions = [];
  const runs = [];
  const runMs = [];
  const first = [];
  const samples = [];
  try {
    for (const subject of shuffled(openers.length, random)) {
      const session = await openers[subject]();
      sessions.push(session);
      const feeds = noise(ort, session, plan.seed);
      runs[subject] = () => session.run(feeds);
    }
    for (const subject of shuffled(openers.length, random)) {
      [first[subject], runMs[subject]] = await warmUp(runs[subject], plan);
      await breathe();
    }
    const rounds = numRounds(plan, runMs.reduce((sum, ms) => sum + ms, 0) / openers.length);
    for (let round = 0; round < rounds; round++) {
      for (const subject of shuffled(openers.length, random)) {
        const count = numRuns(plan, runMs[subject]);
        for (let settle = 0; settle < plan.settle_runs; settle++) await runs[subject]();
        for (let index = 0; index < numSamples(plan, runMs[subject]); index++) {
          const [ms, done] = await stretch(runs[subject], count, plan.sample_ms);
          samples.push([subject, load, round, ms, done]);
        }
        await breathe();
      }
    }
  } finally {
    for (const session of sessions) await session.release();
  }
  return { first, samples };
}
