// A form that was sent is not sent again by a second press; the server guards itself as well.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || !form.closest(".k-page")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
});
// A page shown again from the browser's memory may be sent again.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
});
// Live parts: they rest while the tab is hidden, wake with it, and say so when they can't be read.
const STALE_AFTER = 3;
const isLive = (element) => element.matches?.("[data-live]");
const missed = (event) => {
  const part = event.detail.elt;
  if (!isLive(part)) return;
  part.dataset.missed = Number(part.dataset.missed || 0) + 1;
  if (Number(part.dataset.missed) < STALE_AFTER) return;
  part.classList.add("k-is-stale");
  part.querySelector("[data-stale]").hidden = false;
};
document.addEventListener("htmx:beforeRequest", (event) => {
  if (isLive(event.detail.elt) && document.hidden) event.preventDefault();
});
document.addEventListener("htmx:sendError", missed);
document.addEventListener("htmx:responseError", missed);
document.addEventListener("htmx:beforeSwap", (event) => {
  const { elt, xhr, target } = event.detail;
  if (!isLive(elt) || xhr.status !== 200) return;
  // Another page answered, so the session is over: the whole page says it better.
  if (!xhr.responseText.includes(`id="${elt.id}"`)) {
    event.detail.shouldSwap = false;
    window.location.reload();
    return;
  }
  // What is being read stays as it is.
  const hasOpen = target.querySelector("details[open]") || target.contains(document.activeElement);
  if (hasOpen) event.detail.shouldSwap = false;
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  document.querySelectorAll("[data-live]").forEach((part) => part.dispatchEvent(new Event("wake")));
});
// What only a browser can do is offered by it.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });
});
// What scrolls sideways can be reached by keyboard, and the theme's scrolling regions get a name in the page's language.
const nameRegions = () => {
  document.querySelectorAll(".k-scroll").forEach((region) => {
    if (region.scrollWidth > region.clientWidth) region.tabIndex = 0;
    else region.removeAttribute("tabindex");
  });
  document.querySelectorAll(".simplebar-content-wrapper").forEach((region) => region.setAttribute("aria-label", document.title));
};
window.addEventListener("load", nameRegions);
window.addEventListener("resize", nameRegions);
document.addEventListener("htmx:afterSettle", nameRegions);
// The theme hides its page until its scripts run, and a browser gives no focus to what is hidden: it is given then.
window.addEventListener("load", () => {
  const first = document.querySelector("[autofocus]");
  if (first && document.activeElement === document.body) first.focus();
});
