// A result as the hub reads it (see Envelope in edgesmith's devices/browser/protocol.py), and how it is sent.

// The length of the JSON in four bytes, the lowest first; the JSON; the bytes.
export function pack(head, bodies = []) {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, text.byteLength, true);
  return new Blob([length.buffer, text, ...bodies]);
}

// A result that says why there is none.
export const excuse = (text) => pack({ error: text.slice(0, 600) });

// Returns why the hub did not take the result, in its own words where it has some; undefined where it took it.
export async function send(page, name, data) {
  try {
    const answer = await fetch(`/phone/pages/${page}/jobs/${name}`, { method: "POST", body: data });
    if (answer.ok) return undefined;
    const text = (await answer.text()).trim();
    try {
      return JSON.parse(text).error.message;
    } catch {
      return text || `the hub refused the result (${answer.status})`;
    }
  } catch {
    return "the result did not reach the hub";
  }
}
