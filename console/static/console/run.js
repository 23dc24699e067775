// A run on its way: P asks whether to pause it. No key acts alone.
(function () {
  "use strict";
  const sure = document.getElementById("sure-pause");
  const pause = document.getElementById("pause");
  if (!sure || !pause) return;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input,textarea,select,dialog")) return;
    if (event.key.toLowerCase() !== "p") return;
    event.preventDefault();
    sure.showModal();
  });
  sure.querySelector("[data-yes]").addEventListener("click", () => pause.requestSubmit());
  sure.querySelector("[data-no]").addEventListener("click", () => sure.close());
})();
