// Pages the server wrote in full: history, undo, and the verdicts of a form.

import { start, startKeys } from "./common.js";
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

function startReasons() {
  document.addEventListener("keydown", (event) => {
    const choice = document.querySelector(`[data-digit="${CSS.escape(event.key)}"]`);
    if (choice) { choice.checked = true; choice.focus(); }
  });
}

start();
startKeys({ leave: cancel });
startReasons();
const verdict = document.querySelector(".verdict");
if (verdict) startVerdict(verdict);
