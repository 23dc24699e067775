// A redemption whose answer got lost: ask again under the same request id until there is an answer.

import { Lost, get, post } from "./calls.js";

const WAITS = [1, 2, 4, 8];
const LATER = 10;

/** Pursues one question. `onAnswer(reply)` comes once; `onTick({waited, tries, next})` once a second. */
export class Pursuit {
  constructor({ body, api, onAnswer, onTick }) {
    Object.assign(this, { body, api, onAnswer, onTick, tries: 0, asking: false, isOver: false });
    this.startedAt = Date.now();
    this.nextAt = Date.now() + WAITS[0] * 1000;
    this.clock = setInterval(() => this.tick(), 250);
  }

  tick() {
    const next = Math.max(0, Math.ceil((this.nextAt - Date.now()) / 1000));
    this.onTick({ waited: Math.floor((Date.now() - this.startedAt) / 1000) + 3, tries: this.tries + 1, next });
    if (Date.now() >= this.nextAt) this.ask();
  }

  /** Ask now; never under a new id. */
  async ask() {
    if (this.asking || this.isOver) return;
    this.asking = true;
    const resends = this.tries < WAITS.length;
    this.tries += 1;
    try {
      this.settle(resends ? await this.resend() : await this.poll());
    } catch (problem) {
      if (!(problem instanceof Lost)) throw problem;
      this.nextAt = Date.now() + (WAITS[this.tries] ?? LATER) * 1000;
    } finally {
      this.asking = false;
    }
  }

  resend() {
    return post(`${this.api}redeem`, this.body);
  }

  async poll() {
    const reply = await get(`${this.api}result/${this.body.request_id}?device_id=${this.body.device_id}`);
    return reply.status === 404 ? this.resend() : reply;
  }

  settle(reply) {
    this.isOver = true;
    clearInterval(this.clock);
    this.onAnswer(reply);
  }
}
