// The code field and its keys: what a clerk types, folded and checked before anything is sent.

import { fold, group, readCode } from "./code.js";

const code = document.getElementById("code");
const form = document.getElementById("entry");
const typo = document.getElementById("typo");
const lookAlikes = typo.querySelector("span").cloneNode(true);

function typed() {
  const symbols = fold(code.value);
  if (/^[0-9A-Z]{0,12}$/.test(symbols)) code.value = group(symbols);
  document.getElementById("clear").hidden = !code.value;
  if (symbols.length >= 12 && !readCode(code.value)) showTypo();
  else hideTypo();
}

function hideTypo() {
  typo.hidden = true;
  code.classList.remove("codebox--bad");
}

/** Say that a symbol is wrong, and which look alike. */
export function showTypo() {
  typo.querySelector("span").replaceWith(lookAlikes.cloneNode(true));
  typo.hidden = false;
  code.classList.add("codebox--bad");
}

/** Say something else beside the code field. */
export function showTrouble(text) {
  typo.querySelector("span").textContent = text;
  typo.hidden = false;
}

export function clearCode() {
  code.value = "";
  typed();
}

/** What was typed beside the field belongs into it. */
export function addTyped(text) {
  code.value += text;
  typed();
  code.focus();
}

export function focusCode() {
  code.focus();
}

/** Whether the server wrote a trouble into the page. */
export function hasTrouble() {
  return !typo.hidden;
}

/** Call `onCode(text)` when the clerk is done. */
export function startEntry(onCode) {
  code.addEventListener("input", typed);
  form.addEventListener("submit", (event) => { event.preventDefault(); onCode(code.value); });
  form.addEventListener("click", ({ target }) => {
    const { symbol } = target.closest("button")?.dataset ?? {};
    if (symbol) { code.value += symbol; typed(); }
  });
  document.getElementById("erase").addEventListener("click", () => { code.value = code.value.trimEnd().slice(0, -1); typed(); });
  document.getElementById("clear").addEventListener("click", clearCode);
  if (matchMedia("(pointer: coarse)").matches) code.inputMode = "none";
}
