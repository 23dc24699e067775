// Questions to the server. What got lost on the way is `Lost`: nobody knows whether it arrived.

const PATIENCE = 3000;

/** No answer in time, or none that can be read. */
export class Lost extends Error {}

async function call(path, options) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE);
  try {
    const response = await fetch(path, { ...options, signal: stop.signal, credentials: "same-origin" });
    if (response.status >= 500) throw new Lost();
    return { status: response.status, data: await response.json() };
  } catch (problem) {
    throw problem instanceof Lost ? problem : new Lost();
  } finally {
    clearTimeout(timer);
  }
}

/** Ask with a body. Throws Lost. */
export function post(path, body) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  return call(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Ask without one. Throws Lost. */
export function get(path) {
  return call(path, { headers: { Accept: "application/json" } });
}
