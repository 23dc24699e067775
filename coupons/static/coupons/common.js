// What every page of the till has: countdowns by the server's clock, sound, thumb side, keys.

import { isLoud, setLoud, unlock } from "./tones.js";

const offset = Date.parse(document.body.dataset.now) - Date.now();

function countDown() {
  for (const shown of document.querySelectorAll("[data-until]")) {
    const left = Math.max(0, Math.floor((Date.parse(shown.dataset.until) - Date.now() - offset) / 1000));
    if (Number.isNaN(left)) continue;
    shown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  }
}

function startSound() {
  const button = document.getElementById("sound");
  const paint = () => button.setAttribute("aria-pressed", String(isLoud()));
  button.addEventListener("click", () => { setLoud(!isLoud()); paint(); });
  paint();
  for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, unlock, { capture: true });
}

function startHand() {
  const root = document.documentElement;
  root.dataset.hand = localStorage.getItem("till.hand") ?? "right";
  document.getElementById("hand").addEventListener("click", () => {
    root.dataset.hand = root.dataset.hand === "left" ? "right" : "left";
    localStorage.setItem("till.hand", root.dataset.hand);
  });
}

const KEPT = "till.pending";
const BROUGHT = "till.scan";

/** Redemptions of this tab that have no answer yet: a reload in the middle goes on with the same request id. */
export function pending() {
  return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
}

/** Keep a redemption until it is answered. */
export function keep(body, isOpen) {
  const others = pending().filter((one) => one.request_id !== body.request_id);
  sessionStorage.setItem(KEPT, JSON.stringify(isOpen ? [...others, body] : others));
}

/** A scan on a page beside the till belongs to the till: bring it there. */
export function bringScan(text) {
  sessionStorage.setItem(BROUGHT, text);
  location.assign(document.querySelector("[data-key=F2]").href);
}

/** The scan that was brought from another page, once. */
export function takeScan() {
  const text = sessionStorage.getItem(BROUGHT);
  sessionStorage.removeItem(BROUGHT);
  return text;
}

/** Tell the clerk that a Chinese input method mangles what the gun types, until a clean burst. */
export function warnOfInputMethod(composed) {
  document.getElementById("ime").hidden = !composed;
}

/** Where F8 leads: the last redemption while it can be undone, else the history. */
export function undoAddress() {
  const verdict = document.querySelector(".verdict [data-undo]")?.getAttribute("href");
  return verdict || document.getElementById("beside")?.dataset.last || document.getElementById("undo-last").href;
}

/** The keys of the key bar; `leave` is Esc. */
export function startKeys({ code, leave }) {
  const home = document.querySelector("[data-key=F2]").href;
  const history = document.querySelector("[data-key=F9]").href;
  const acts = {
    F2: () => (code ? code() : location.assign(home)),
    F8: () => location.assign(undoAddress()),
    F9: () => location.assign(history),
    Escape: leave,
  };
  document.addEventListener("keydown", (event) => {
    if (!acts[event.key] || event.isComposing || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    acts[event.key]();
  });
  document.getElementById("undo-last").addEventListener("click", (event) => {
    event.preventDefault();
    acts.F8();
  });
}

/** Start what every page has. */
export function start() {
  document.documentElement.classList.add("has-script");
  startSound();
  startHand();
  countDown();
  setInterval(countDown, 500);
}

export { countDown };
