// Moves a draft to another day: by dragging, or by M, arrows and Enter.
(function () {
  "use strict";
  const grid = document.getElementById("calendar");
  const form = document.getElementById("move");
  const said = document.getElementById("moving");
  if (!grid || !form || !grid.dataset.canMove) return;
  const days = Array.from(grid.querySelectorAll(".day"));
  let moved = null;
  let target = -1;

  function mark(index) {
    days.forEach((day, number) => day.classList.toggle("aim", number === index));
    target = index;
    if (index >= 0) said.textContent = days[index].dataset.words;
  }

  function send(entry, day) {
    form.action = entry.dataset.move;
    form.elements.day.value = day.dataset.day;
    form.submit();
  }

  function leave() {
    mark(-1);
    if (moved) moved.classList.remove("lifted");
    moved = null;
  }

  grid.addEventListener("dragstart", function (event) {
    moved = event.target.closest("[data-move]");
    if (moved) event.dataTransfer.setData("text/plain", moved.textContent);
  });
  grid.addEventListener("dragover", function (event) {
    const day = event.target.closest(".day");
    if (!moved || !day) return;
    event.preventDefault();
    mark(days.indexOf(day));
  });
  grid.addEventListener("drop", function (event) {
    const day = event.target.closest(".day");
    event.preventDefault();
    if (moved && day && !day.contains(moved)) send(moved, day);
    leave();
  });
  grid.addEventListener("dragend", leave);

  grid.addEventListener("keydown", function (event) {
    const entry = event.target.closest(".k-ev[href]");
    if (!entry) return;
    const here = days.indexOf(entry.closest(".day"));
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key];
    if (!moved && event.key.toLowerCase() === "m" && entry.dataset.move) {
      moved = entry;
      moved.classList.add("lifted");
      mark(here);
      said.textContent = grid.dataset.moving;
      event.preventDefault();
    } else if (moved && step) {
      if (days[target + step]) mark(target + step);
      event.preventDefault();
    } else if (moved && event.key === "Enter") {
      event.preventDefault();
      if (target !== here) send(moved, days[target]);
      leave();
    } else if (moved && event.key === "Escape") {
      leave();
    } else if (!moved && step) {
      focusNear(here, step);
      event.preventDefault();
    }
  });

  // Arrows walk from day to day over those that have something on them.
  function focusNear(from, step) {
    for (let number = from + step; days[number]; number += step) {
      const found = days[number].querySelector(".k-ev[href]");
      if (found) {
        found.focus();
        return;
      }
    }
  }
})();
