// The camera's place on the ready screen: on and off, torch, which camera, a photo where live is impossible.

import { Camera, CameraTrouble } from "./camera.js";
import { openReader } from "./reader.js";

const KEPT = "till.camera";
const SAME_MS = 3000;

/** Call `onCode(symbols)` once for each coupon held before the camera; `readCode` tells a coupon from the rest. */
export function startViewfinder({ readCode, onCode }) {
  const place = document.getElementById("cam");
  const ready = place.closest(".ready");
  const button = (name) => place.querySelector(`[data-cam=${name}]`);
  const camera = new Camera({ video: place.querySelector("video"), onText: seen, onTrouble: complain });
  let last = { code: "", at: -Infinity };

  // A coupon counts as shown again only when it was out of sight for three seconds.
  function seen(text) {
    const code = readCode(text);
    say(code ? "aim" : "foreign");
    if (!code) return;
    const isSame = code === last.code && performance.now() - last.at < SAME_MS;
    last = { code, at: performance.now() };
    if (!isSame) onCode(code);
  }

  function say(what) {
    for (const line of place.querySelectorAll("[data-say]")) line.hidden = line.dataset.say !== what;
  }

  function complain(reason) {
    paint();
    for (const line of ready.querySelectorAll("[data-trouble]")) line.hidden = line.dataset.trouble !== reason;
    document.getElementById("cam-trouble").hidden = reason === "";
    document.getElementById("cam-photo").hidden = reason !== "INSECURE";
  }

  async function paint() {
    ready.dataset.camera = camera.isOn ? "on" : "off";
    if (!camera.isOn) return;
    button("torch").hidden = !camera.skills.torch;
    button("zoom").hidden = !camera.skills.zoom;
    button("change").hidden = (await Camera.list()).length < 2;
  }

  async function turn(act) {
    try {
      await act();
      complain("");
    } catch (problem) {
      if (!(problem instanceof CameraTrouble)) throw problem;
      complain(problem.reason);
    }
  }

  function toggle(name, wanted) {
    const isOn = button(name).getAttribute("aria-pressed") !== "true";
    button(name).setAttribute("aria-pressed", String(isOn));
    return camera.set(wanted(isOn));
  }

  function open() {
    localStorage.setItem(KEPT, "on");
    return turn(() => camera.start());
  }

  function close() {
    localStorage.setItem(KEPT, "off");
    camera.stop();
    paint();
    document.getElementById("scanner").focus({ preventScroll: true });
  }

  async function readPhoto({ target }) {
    const [photo] = target.files;
    target.value = "";
    if (!photo) return;
    const reader = await openReader();
    const texts = await createImageBitmap(photo).then((picture) => reader.read(picture)).catch(() => []);
    const code = texts.map(readCode).find(Boolean);
    if (code) onCode(code);
    else complain("PHOTO");
    document.getElementById("cam-photo").hidden = false;
  }

  document.getElementById("cam-open").addEventListener("click", open);
  document.getElementById("cam-photo").querySelector("input").addEventListener("change", readPhoto);
  document.getElementById("cam-quiet").addEventListener("click", () => { complain(""); close(); });
  button("close").addEventListener("click", close);
  button("torch").addEventListener("click", () => toggle("torch", (torch) => ({ torch })));
  button("zoom").addEventListener("click", () => toggle("zoom", (isOn) => ({ zoom: isOn ? camera.skills.zoom : 1 })));
  button("change").addEventListener("click", () => turn(() => camera.change()));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) camera.stop();
    else if (isWanted()) turn(() => camera.start());
  });
  paint();
  if (isWanted()) turn(() => camera.start());
}

// A phone is there to be held before coupons; at a PC with a gun somebody first asks for the camera.
function isWanted() {
  return (localStorage.getItem(KEPT) ?? (matchMedia("(pointer: coarse)").matches ? "on" : "off")) === "on";
}
