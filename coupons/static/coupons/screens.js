// Fill the templates that the server put into the page: one markup with and without a script.

function fillSlots(root, view) {
  for (const slot of root.querySelectorAll("[data-slot]")) {
    const text = view[slot.dataset.slot] ?? "";
    slot.textContent = text;
    slot.hidden = text === "";
  }
  for (const dressed of root.querySelectorAll("[data-class]")) {
    const name = view[dressed.dataset.class];
    if (name) dressed.classList.add(name);
  }
}

function fillLists(root, view) {
  const meta = root.querySelector("[data-list=meta]");
  meta?.replaceChildren(...(view.meta ?? []).map((text) => element("span", text, "num")));
  const facts = root.querySelector("[data-facts]");
  if (!facts) return;
  facts.hidden = !view.facts?.length;
  facts.replaceChildren(...(view.facts ?? []).map(([name, text]) => {
    const row = document.createElement("div");
    row.append(element("dt", name), element("dd", text));
    return row;
  }));
}

function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

/** Show the conditions of a coupon as rows with a tick. */
export function fillConditions(root, rows) {
  const mark = document.getElementById("t-mark");
  root.querySelector("[data-conditions]").replaceChildren(...rows.map(([text, small]) => {
    const row = element("li", "", "row");
    const words = element("span", text, "grow");
    if (small) words.append(element("small", small));
    row.append(mark.content.cloneNode(true), words);
    return row;
  }));
}

/** A copy of a template with the words of a view in it; without a view, as the server wrote it. */
export function build(name, view) {
  const copy = document.getElementById(`t-${name}`).content.cloneNode(true);
  const root = copy.firstElementChild;
  if (view) {
    fillSlots(root, view);
    fillLists(root, view);
  }
  return root;
}
