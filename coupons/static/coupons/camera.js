// The camera of the device: a live picture, what it reads, and why it cannot.

import { openReader } from "./reader.js";

const BREATH = 90; // ms between two looks: about eight a second, and time for everything else
const WANTED = { width: { ideal: 1280 }, height: { ideal: 720 } };
const NAMES = {
  NotAllowedError: "DENIED",
  SecurityError: "DENIED",
  NotFoundError: "MISSING",
  OverconstrainedError: "MISSING",
  NotReadableError: "BUSY",
  AbortError: "BUSY",
};

/** Why there is no picture: INSECURE, DENIED, MISSING, BUSY or UNREADABLE. */
export class CameraTrouble extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

export class Camera {
  /** `onText(text)` comes for every code in every picture; `onTrouble(reason)` when the picture ends. */
  constructor({ video, onText, onTrouble }) {
    Object.assign(this, { video, onText, onTrouble, stream: null, lock: null, chosen: null });
  }

  get isOn() {
    return this.stream !== null;
  }

  get track() {
    return this.stream?.getVideoTracks()[0] ?? null;
  }

  /** Ask for the camera and start looking. Throws CameraTrouble. */
  async start() {
    if (this.isOn) return;
    if (!navigator.mediaDevices?.getUserMedia) throw new CameraTrouble("INSECURE");
    const which = this.chosen ? { deviceId: { exact: this.chosen } } : { facingMode: { ideal: "environment" } };
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...WANTED, ...which } });
      if (this.isOn) return stream.getTracks().forEach((track) => track.stop());
      this.stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
    } catch (problem) {
      this.stop();
      throw new CameraTrouble(NAMES[problem.name] ?? "BUSY");
    }
    this.track.addEventListener("ended", () => { this.stop(); this.onTrouble("BUSY"); });
    this.stayAwake();
    this.look(this.stream);
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
    this.lock?.release();
    this.lock = null;
  }

  async stayAwake() {
    this.lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
  }

  async look(stream) {
    try {
      const reader = await openReader();
      while (this.stream === stream) {
        const texts = this.video.readyState >= 2 ? await reader.read(this.video) : [];
        if (this.stream !== stream) return;
        for (const text of texts) this.onText(text);
        await new Promise((done) => { setTimeout(done, BREATH); });
      }
    } catch {
      if (this.stream !== stream) return;
      this.stop();
      this.onTrouble("UNREADABLE");
    }
  }

  /** What this camera can do: `{torch, zoom}`, `zoom` being 2 or false. */
  get skills() {
    const can = this.track?.getCapabilities?.() ?? {};
    return { torch: can.torch === true, zoom: can.zoom && can.zoom.max >= 2 ? 2 : false };
  }

  /** Light or zoom on this camera; a camera that refuses stays as it is. */
  set(wanted) {
    return this.track?.applyConstraints({ advanced: [wanted] }).catch(() => undefined);
  }

  /** The next of several cameras, round and round. */
  async change() {
    const all = await Camera.list();
    const now = this.track?.getSettings().deviceId;
    this.chosen = all[(all.findIndex(({ deviceId }) => deviceId === now) + 1) % all.length].deviceId;
    this.stop();
    return this.start();
  }

  static async list() {
    return (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  }
}
