// A number that was shown is covered again after a minute; the masked one in the search field makes way for the next.
(function () {
  "use strict";
  const SHOWN_MS = 60_000;
  const number = document.querySelector("[data-reveal]");
  if (number) setTimeout(() => { number.textContent = number.dataset.reveal; }, SHOWN_MS);
  const field = document.querySelector("[data-masked]");
  if (field) field.addEventListener("focus", () => field.select());
  // A download leaves the page where it is, so its button can be pressed again.
  document.querySelectorAll("form[data-download]").forEach((form) => {
    form.addEventListener("submit", () => setTimeout(() => delete form.dataset.sent, 1000));
  });
})();
