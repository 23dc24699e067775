// The till from "ready" on: scan or type, look, redeem, verdict. The server decides and words everything.

import { readCode } from "./code.js";
import { Lost, post } from "./calls.js";
import { countDown, keep, pending, start, startKeys, takeScan, warnOfInputMethod } from "./common.js";
import { addTyped, clearCode, focusCode, hasTrouble, showTrouble, showTypo, startEntry } from "./entry.js";
import { Pursuit } from "./pursuit.js";
import { watchScans } from "./scanner.js";
import { build, fillConditions } from "./screens.js";
import { play } from "./tones.js";
import { startViewfinder } from "./viewfinder.js";

const { dataset } = document.body;
const stage = document.getElementById("stage");
const ready = stage.firstElementChild;
const scanner = document.getElementById("scanner");
const swap = document.getElementById("swap");
const LEAVES_AFTER = { ok: 4000, bad: 6000 };
const DEAF_MS = 400;
const SAME_GUN_MS = 1500;

let shown = ready;
let shownAt = 0;
let leaving = 0;
let look = null;
let busy = false;
let lastScan = { code: "", at: -Infinity };
let other = null;
const parked = new Set();
const waiting = [];

// Screens -------------------------------------------------------------------------------------------

function show(screen, node) {
  clearTimeout(leaving);
  if (shown !== ready) shown.remove();
  ready.hidden = node !== ready;
  if (node !== ready) stage.append(node);
  shown = node;
  shownAt = performance.now();
  dataset.screen = screen;
  countDown();
}

function showReady() {
  look = null;
  clearCode();
  show("ready", ready);
  scanner.focus({ preventScroll: true });
  const next = waiting.shift();
  if (next) showVerdict(next.page, next.body);
}

function showVerdict(page, body) {
  const node = build(page.tone, page);
  const undo = node.querySelector("[data-undo]");
  if (undo) {
    undo.href = `${dataset.undoBase}${page.redemption_no}/`;
    undo.querySelector("[data-until]").dataset.until = page.undo_until;
  }
  const change = node.querySelector("[data-change]");
  if (change) {
    change.hidden = !page.may_change_amount;
    change.addEventListener("submit", (event) => { event.preventDefault(); check(body.text, body.input_channel); });
  }
  present(node, page.tone);
  if (page.tone === "ok") refreshRecent();
}

function present(node, tone) {
  look = null;
  show("verdict", node);
  play(tone);
  node.classList.add("flash");
  mainButton(node).focus({ preventScroll: true });
  if (LEAVES_AFTER[tone]) leaving = setTimeout(showReady, LEAVES_AFTER[tone]);
  node.addEventListener("pointerdown", () => { clearTimeout(leaving); node.classList.add("held"); });
}

function mainButton(node) {
  return node.querySelector("[data-change]:not([hidden]) button") ?? node.querySelector("[data-primary]");
}

async function refreshRecent() {
  const response = await fetch(dataset.recent, { credentials: "same-origin" }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of ["last", "beside"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
  countDown();
}

function complain(detail) {
  if (shown !== ready && look) return warn(detail);
  showReady();
  showTrouble(detail);
  return play("bad");
}

function setBusy(is) {
  busy = is;
  stage.classList.toggle("busy", is);
  for (const net of document.querySelectorAll("[data-net]")) net.textContent = is ? dataset.waiting : dataset.online;
}

// Looking -------------------------------------------------------------------------------------------

async function check(text, channel) {
  const symbols = readCode(text);
  if (!symbols) return channel === "TYPED" ? showTypo() : present(build("malformed"), "bad");
  if (busy) return undefined;
  const body = { text: symbols, device_id: dataset.device, input_channel: channel };
  setBusy(true);
  try {
    return looked(body, await post(`${dataset.api}preview`, body));
  } catch (problem) {
    if (!(problem instanceof Lost)) throw problem;
    return present(build("offline"), "warn");
  } finally {
    setBusy(false);
  }
}

function looked(body, reply) {
  if (!isAnswer(reply)) return undefined;
  const { page } = reply.data;
  if (page.tone !== "open") return showVerdict(page, body);
  return page.needs_look ? showLook(page, body) : redeem(body);
}

function isAnswer({ status, data }) {
  if (status === 200) return true;
  if (data.code === "NO_SHIFT") location.assign(`${dataset.home}?shift=missing`);
  else if (data.code === "NOT_AUTHENTICATED" || data.code === "NO_STORE") location.assign(dataset.home);
  else complain(data.detail);
  return false;
}

function showLook(page, body) {
  const node = build("preview", page);
  const amount = node.elements.ticket;
  look = { node, body, page, amount, requestId: crypto.randomUUID(), timer: 0 };
  fillConditions(node, page.conditions);
  node.querySelector("[data-amount]").hidden = !page.needs_amount;
  amount.required = page.needs_amount;
  node.addEventListener("submit", confirmLook);
  amount.addEventListener("input", () => {
    clearTimeout(look.timer);
    look.timer = setTimeout(lookAgain, 350);
  });
  show("preview", node);
  (page.needs_amount ? amount : node.querySelector("[data-primary]")).focus();
}

async function lookAgain() {
  const here = look;
  if (!here) return;
  warn("");
  if (!here.amount.value.trim()) return;
  const reply = await post(`${dataset.api}preview`, { ...here.body, ticket: here.amount.value }).catch(() => null);
  if (here !== look || !reply) return;
  const page = reply.data.page ?? {};
  if (page.tone === "open") here.node.querySelector("[data-slot=save]").textContent = page.save;
  else warn(page.next ?? reply.data.detail);
}

function warn(text) {
  const note = look.node.querySelector("[data-warning]");
  note.hidden = !text;
  note.querySelector("[data-warning-text]").textContent = text;
  look.amount.scrollIntoView({ block: "nearest" });
}

function confirmLook(event) {
  event.preventDefault();
  if (busy || performance.now() - shownAt < DEAF_MS) return;
  clearTimeout(look.timer);
  const body = { ...look.body, request_id: look.requestId };
  if (look.page.needs_amount) body.ticket = look.amount.value;
  redeem(body);
}

// Redeeming -----------------------------------------------------------------------------------------

async function redeem(asked) {
  const body = { request_id: crypto.randomUUID(), ...asked };
  keep(body, true);
  setBusy(true);
  try {
    settled(body, await post(`${dataset.api}redeem`, body));
  } catch (problem) {
    if (!(problem instanceof Lost)) throw problem;
    showUnknown(body);
  } finally {
    setBusy(false);
  }
}

function settled(body, reply) {
  keep(body, false);
  if (isAnswer(reply)) showVerdict(reply.data.page, body);
}

function showUnknown(body) {
  const node = build("unknown");
  const set = (name, text) => { node.querySelector(`[data-${name}]`).textContent = text; };
  set("request", body.request_id.slice(-4).toUpperCase());
  const pursuit = new Pursuit({
    body,
    api: dataset.api,
    onTick: ({ waited, tries, next }) => { set("waited", waited); set("tries", dataset.tryText.replace("{tries}", tries).replace("{next}", next)); },
    onAnswer: (reply) => found(body, node, reply),
  });
  node.querySelector("[data-again]").addEventListener("click", () => pursuit.ask());
  node.querySelector("[data-park]").addEventListener("click", () => { parked.add(node); countParked(); showReady(); });
  present(node, "warn");
}

function found(body, node, reply) {
  const wasParked = parked.delete(node);
  countParked();
  if (!wasParked || shown === ready) return settled(body, reply);
  keep(body, false);
  play("read");
  return reply.status === 200 && waiting.push({ page: reply.data.page, body });
}

function countParked() {
  for (const counter of document.querySelectorAll("[data-parked]")) {
    counter.hidden = parked.size === 0;
    counter.textContent = `${parked.size} ${dataset.parkedWord}`;
  }
}

// Input ---------------------------------------------------------------------------------------------

function gunned(text, { composed }) {
  warnOfInputMethod(composed);
  const symbols = readCode(text);
  const isEcho = symbols && symbols === lastScan.code && performance.now() - lastScan.at < SAME_GUN_MS;
  lastScan = { code: symbols, at: performance.now() };
  if (!isEcho) scanned(text, "SCANNER");
}

function scanned(text, channel) {
  if (busy || (look && readCode(text) === look.body.text)) return;
  play("read");
  if (look) askToSwap(text, channel);
  else begin(text, channel);
}

function begin(text, channel) {
  // An unknown outcome is never dropped for the next coupon: it is set aside, and its answer still comes.
  shown.querySelector("[data-park]")?.click();
  showReady();
  check(text, channel);
}

function askToSwap(text, channel) {
  other = { text, channel };
  if (swap.open) return;
  swap.returnValue = "";
  swap.showModal();
}

function startSwap() {
  swap.addEventListener("close", () => {
    if (swap.open) return;  // told late: the next coupon has asked meanwhile, and its question stands
    const asked = other;
    other = null;
    if (swap.returnValue === "swap" && asked) begin(asked.text, asked.channel);
  });
}

function leaveByClick(event) {
  const isVerdict = dataset.screen === "verdict";
  if (isVerdict && performance.now() - shownAt < DEAF_MS) event.preventDefault();
  else if (event.target.closest("[data-cancel]")) { event.preventDefault(); showReady(); }
}

function cancel() {
  // An unknown outcome is never dismissed: it is set aside, and its answer still comes.
  const park = shown.querySelector("[data-park]");
  if (park) park.click();
  else showReady();
}

start();
startEntry((text) => check(text, "TYPED"));
startSwap();
startKeys({ code: () => { if (!shown.querySelector("[data-park]")) showReady(); focusCode(); }, leave: cancel });
stage.addEventListener("click", leaveByClick, true);
watchScans({ scanner, onScan: gunned, onTyped: (text) => { if (shown === ready) addTyped(text); } });
startViewfinder({ readCode, onCode: (code) => scanned(code, "CAMERA") });
document.addEventListener("keydown", (event) => {
  const isFree = !event.target.closest("input, textarea, a, button") || event.target === scanner;
  if (event.key === "Enter" && isFree && shown !== ready && !swap.open) mainButton(shown).click();
  if (shown === ready && event.target === document.body && event.key.length === 1) scanner.focus({ preventScroll: true });
});
for (const body of pending()) showUnknown(body);
if (shown === ready && hasTrouble()) focusCode();
else if (shown === ready) scanner.focus({ preventScroll: true });
const brought = takeScan();
if (brought && shown === ready) check(brought, "SCANNER");
