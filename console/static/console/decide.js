// Keys of whoever decides: J and K walk, A asks whether to approve, R goes to the reason. No key decides alone.
(function () {
  "use strict";
  const card = document.getElementById("decide");
  const list = document.querySelectorAll("[data-todo] a");
  const sure = document.getElementById("sure");
  const approve = document.getElementById("approve");

  function isTyping(event) {
    return event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input,textarea,select,dialog");
  }

  function walk(step) {
    if (card) {
      const address = step > 0 ? card.dataset.next : card.dataset.before;
      if (address && address !== location.pathname) location.assign(address);
      return;
    }
    const here = Array.from(list).indexOf(document.activeElement);
    const next = list[here < 0 ? 0 : (here + step + list.length) % list.length];
    if (next) next.focus();
  }

  document.addEventListener("keydown", function (event) {
    if (isTyping(event)) return;
    const key = event.key.toLowerCase();
    if (key === "j" || key === "k") walk(key === "j" ? 1 : -1);
    else if (card && key === "a") sure.showModal();
    else if (card && key === "r") document.querySelector("[name=reason]").focus();
    else return;
    event.preventDefault();
  });
  if (!sure) return;
  sure.querySelector("[data-yes]").addEventListener("click", () => approve.requestSubmit());
  sure.querySelector("[data-no]").addEventListener("click", () => sure.close());
})();
