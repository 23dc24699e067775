// The template studio: fields at the cursor, one press to mend, keeping while typing, two keys. Works without it.
(function () {
  "use strict";
  const KEEP_EVERY = 5000;
  const form = document.getElementById("studio");
  const body = form.querySelector("[name=body]");
  const kept = document.getElementById("kept");
  const inserts = form.querySelector("[data-inserts]");
  if (!inserts) return; // nobody edits this text now
  inserts.hidden = false;
  form.querySelector("[name=look]").hidden = true; // the page counts by itself

  function replace(start, end, text) {
    body.focus();
    body.setRangeText(text, start, end, "end");
    body.dispatchEvent(new Event("input", { bubbles: true }));
  }
  inserts.addEventListener("click", (event) => {
    const field = event.target.closest("[data-insert]");
    if (field) replace(body.selectionStart, body.selectionEnd, field.dataset.insert);
  });
  // The places are of the text as it was looked at; after a key since then the next look brings new ones.
  let typedSince = false;
  body.addEventListener("input", () => { typedSince = true; });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt === form && event.detail.successful) typedSince = false;
  });
  form.addEventListener("click", (event) => {
    const mend = event.target.closest("[name=mend]");
    if (!mend) return;
    event.preventDefault();
    if (typedSince) return;
    const [, start, end, wording] = mend.value.match(/^(\d+):(\d+):(.*)$/s);
    const places = Array.from(body.value); // the server counts characters, the field UTF-16 units
    const at = (count) => places.slice(0, count).join("").length;
    replace(at(Number(start)), at(Number(end)), wording);
  });

  const KEPT = ["name", "tier", "signature", "body"];
  const state = () => JSON.stringify(KEPT.map((name) => form.elements[name].value));
  let last = state();
  let isKeeping = false;
  async function keep() {
    const now = state();
    if (!form.dataset.keep || now === last || isKeeping || form.dataset.sent) return;
    isKeeping = true;
    try {
      const answer = await fetch(form.dataset.keep, { method: "POST", body: new FormData(form) });
      const told = await answer.json();
      kept.textContent = told.says;
      kept.classList.toggle("k-bad", !answer.ok);
      if (told.seen) form.querySelector("[name=seen]").value = told.seen;
      if (answer.ok || answer.status === 409) last = now;
    } catch {
      kept.textContent = kept.dataset.lost;
      kept.classList.add("k-bad");
    } finally {
      isKeeping = false;
    }
  }
  setInterval(keep, KEEP_EVERY);
  body.addEventListener("blur", keep);
  window.addEventListener("beforeunload", (event) => {
    if (state() !== last && !form.dataset.sent) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    const name = event.key === "Enter" ? "submit" : event.key.toLowerCase() === "s" ? "save" : "";
    if (!name || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector(`[name=${name}]`));
  });
})();
