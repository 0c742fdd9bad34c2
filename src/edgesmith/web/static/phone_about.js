// What this browser can do, as the hub wants to know it.

// A module whose one function makes a vector of zeros and drops it: it is valid only where WebAssembly has SIMD.
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11,
]);

// The least step that the clock shows, microseconds.
function clockStepUs() {
  let least = Infinity;
  const until = performance.now() + 20;
  let last = performance.now();
  for (let time = last; time < until; time = performance.now()) {
    if (time > last) least = Math.min(least, time - last);
    last = time;
  }
  return Number.isFinite(least) ? Math.round(least * 1e6) / 1e3 : 20000;
}

// An adapter alone is not enough: the runtime's WebGPU waits within WebAssembly.
async function hasWebGpu() {
  if (!navigator.gpu || typeof WebAssembly.Suspending === "undefined") return false;
  try {
    return (await navigator.gpu.requestAdapter()) !== null;
  } catch {
    return false;
  }
}

async function modelOf() {
  try {
    const told = await navigator.userAgentData.getHighEntropyValues(["model", "architecture", "platform"]);
    return [told.model, told.platform, told.architecture].filter(Boolean).join(" ");
  } catch {
    return navigator.platform ?? "";
  }
}

const printable = (text) => text.replace(/[^\x20-\x7e]/g, "?").slice(0, 300);

export async function describe(version) {
  return {
    user_agent: printable(navigator.userAgent),
    model: printable(await modelOf()),
    version: printable(version),
    cores: navigator.hardwareConcurrency || 1,
    isolated: globalThis.crossOriginIsolated === true,
    secure: globalThis.isSecureContext === true,
    simd: WebAssembly.validate(SIMD),
    webgpu: await hasWebGpu(),
    clock_us: clockStepUs(),
  };
}

// A name to begin with: what the device seems to be.
export function suggestName() {
  const agent = navigator.userAgent;
  const kinds = [/iPhone/, /iPad/, /Pixel \w+/, /SM-\w+/, /Android/, /Firefox/, /Chrom/, /Safari/];
  const found = kinds.map((kind) => agent.match(kind)?.[0]).find(Boolean) ?? "browser";
  return found.toLowerCase().replace("chrom", "chrome").replace(/[^a-z0-9]+/g, "-");
}
