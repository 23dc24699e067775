// The segment builder: greys a count that is no longer true, says when it takes long, knows two keys.
(function () {
  "use strict";
  const form = document.getElementById("segment-form");
  const rules = document.getElementById("segment-rules");
  const counter = document.getElementById("segment-count");
  if (!form || rules.disabled) return;
  const slow = counter.querySelector("[data-slow]");
  const broken = counter.querySelector("[data-broken]");
  const SLOW_AFTER = 5000;
  let timer = 0;
  const isCount = (event) => event.detail.target && event.detail.target.id === "segment-said";
  const grey = () => form.classList.add("k-is-old");

  rules.addEventListener("input", (event) => {
    if (!event.target.matches("[data-quiet]")) grey();
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isCount(event)) {
      grey();
      broken.hidden = true;
      clearTimeout(timer);
      timer = setTimeout(() => (slow.hidden = false), SLOW_AFTER);
    } else if (rules.contains(event.detail.elt) && !event.detail.elt.matches("[data-quiet]")) {
      // The rules move: an answer that is under way speaks of places that are no more.
      grey();
      window.htmx.trigger(counter, "htmx:abort");
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!isCount(event)) return;
    clearTimeout(timer);
    slow.hidden = true;
    const { xhr } = event.detail;
    const isRefused = xhr.getResponseHeader("HX-Reswap") === "none";
    if (xhr.status === 200 && !isRefused) form.classList.remove("k-is-old");
  });
  // A choice made in the moment between new rules and their settling was heard by nobody: tell it again.
  document.addEventListener("htmx:afterSettle", () => {
    rules.querySelectorAll("select[name$='.field']").forEach((field) => {
      const was = form.elements[field.name.replace(/field$/, "was")];
      if (was && was.value !== field.value) window.htmx.trigger(field, "change");
    });
  });
  const say = () => (broken.hidden = false);
  document.addEventListener("htmx:sendError", say);
  document.addEventListener("htmx:responseError", say);
  document.addEventListener("htmx:beforeSwap", (event) => {
    // Another page answered, so the session is over: what was built stays on the screen.
    if (!event.detail.xhr.responseText.includes("<html")) return;
    event.detail.shouldSwap = false;
    grey();
    say();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    if (event.altKey) {
      event.preventDefault();
      // In the group where the keyboard is, else in the outermost.
      const group = document.activeElement.closest(".k-rule");
      const add = (group || rules).querySelectorAll("[data-add]");
      if (add.length) add[add.length - 1].click();
    } else if (event.target.id === "segment-person") {
      event.preventDefault();
      form.elements.why.click();
    }
  });
})();
