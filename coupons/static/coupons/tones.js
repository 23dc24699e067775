// One tone for each verdict, so that a clerk need not look. Frequencies in Hz, lengths in ms.

const TONES = {
  read: [[1760, 0, 30, 0.1]],
  drop: [[330, 0, 60, 0.08]],
  ok: [[1046, 0, 90, 0.3], [1568, 90, 120, 0.3]],
  warn: [[660, 0, 160, 0.3], [660, 280, 160, 0.3]],
  bad: [[196, 0, 600, 0.35], [392, 0, 600, 0.2]],
};
const SHAKES = { ok: [40], warn: [120, 100, 120], bad: [400] };
let audio = null;

/** Whether this device is to be heard. */
export function isLoud() {
  return localStorage.getItem("till.sound") !== "off";
}

/** Remember whether this device is to be heard. */
export function setLoud(loud) {
  localStorage.setItem("till.sound", loud ? "on" : "off");
}

/** Browsers let a page sound only after a touch or a key. */
export function unlock() {
  const Context = window.AudioContext ?? window.webkitAudioContext;
  if (!audio && Context) audio = new Context();
  if (audio?.state === "suspended") audio.resume();
}

/** Sound the verdict, and shake the phone where it can. */
export function play(name) {
  if (SHAKES[name] && navigator.userActivation?.hasBeenActive) navigator.vibrate?.(SHAKES[name]);
  if (!audio || !isLoud()) return;
  for (const [frequency, after, length, volume] of TONES[name] ?? []) sine(frequency, after / 1000, length / 1000, volume);
}

function sine(frequency, after, length, volume) {
  const start = audio.currentTime + after;
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(volume, start + 0.008);
  gain.gain.setValueAtTime(volume, start + length - 0.008);
  gain.gain.linearRampToValueAtTime(0, start + length);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(start);
  oscillator.stop(start + length);
}
