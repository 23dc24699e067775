// Pages the server wrote in full: history, undo, hand-over, and the verdicts of a form.

import { bringScan, pending, start, startKeys, warnOfInputMethod } from "./common.js";
import { watchScans } from "./scanner.js";
import { play } from "./tones.js";

const LEAVES_AFTER = { ok: 4000, bad: 6000 };

function cancel() {
  document.querySelector("[data-cancel]")?.click();
}

function startVerdict(verdict) {
  play(verdict.dataset.tone);
  verdict.querySelector("[data-primary]")?.focus();
  const after = LEAVES_AFTER[verdict.dataset.tone];
  const timer = after ? setTimeout(cancel, after) : 0;
  verdict.addEventListener("pointerdown", () => { clearTimeout(timer); verdict.classList.add("held"); });
}

function chooseReason(digit) {
  const choice = document.querySelector(`[data-digit="${CSS.escape(digit)}"]`);
  if (choice) { choice.checked = true; choice.focus(); }
}

function scanned(text, { composed }) {
  warnOfInputMethod(composed);
  // Where somebody is about to take money back, a stray scan must neither choose nor confirm anything.
  if (document.body.dataset.screen === "undo") play("drop");
  else bringScan(text);
}

start();
startKeys({ leave: cancel });
watchScans({ onScan: scanned, onTyped: chooseReason });
const unsettled = document.getElementById("unsettled");
if (unsettled) unsettled.hidden = pending().length === 0;
const verdict = document.querySelector(".verdict");
if (verdict) startVerdict(verdict);
