// Before the shift: does this till sound, see and know the time? Nothing here stops the clerk.

import { start, startKeys } from "./common.js";
import { play, unlock } from "./tones.js";
import { watchScans } from "./scanner.js";

const CLOCK_MAY_BE_OFF = 90; // seconds
const loadedAt = Date.now();

function mark(name, verdict, say) {
  const row = document.querySelector(`[data-check=${name}]`);
  row.querySelector("[data-mark]").replaceChildren(document.getElementById(`t-${verdict}`).content.cloneNode(true));
  for (const line of row.querySelectorAll("[data-say]")) line.hidden = line.dataset.say !== say;
}

function checkSound() {
  document.getElementById("try-sound").addEventListener("click", () => {
    unlock();
    play("ok");
    mark("sound", "ok", "");
  });
}

async function checkCamera() {
  if (!navigator.mediaDevices?.enumerateDevices) return mark("camera", "warn", "insecure");
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  if (cameras.length === 0) return mark("camera", "warn", "missing");
  const permission = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
  return permission?.state === "denied" ? mark("camera", "warn", "denied") : mark("camera", "ok", "ok");
}

function checkClock() {
  const off = (loadedAt - Date.parse(document.body.dataset.now)) / 1000;
  const isRight = Math.abs(off) < CLOCK_MAY_BE_OFF;
  const shown = document.querySelector("[data-seconds]");
  shown.textContent = `±${Math.abs(off).toFixed(isRight ? 1 : 0)} ${shown.dataset.unit}`;
  mark("clock", isRight ? "ok" : "warn", isRight ? "ok" : "wrong");
}

start();
startKeys({ leave: () => {} });
watchScans({ onScan: () => play("drop") });
checkSound();
checkCamera();
checkClock();
