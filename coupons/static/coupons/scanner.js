// A scan gun is a keyboard that types fast: tell its bursts from a person, wherever the focus is.

const GAP = 50;
const SILENCE = 120;
const TYPED_AFTER = 60;
const LEAST = 8;

/**
 * Call `onScan(text, field)` for each burst and `onTyped(text)` for what a person typed into the
 * off-screen input. The Enter or Tab that ends a burst never reaches the page, and the field that had
 * the focus gets its old text back.
 */
export function watchScans({ scanner, onScan, onTyped, onComposition }) {
  let buffer = "";
  let lastAt = 0;
  let field = null;
  let before = "";
  let timer = 0;
  let keyed = false;

  function begin(inserted) {
    field = document.activeElement;
    const value = field && "value" in field ? field.value : "";
    before = inserted && value.endsWith(inserted) ? value.slice(0, -inserted.length) : value;
  }

  function feed(text, wasInserted) {
    const now = performance.now();
    if (buffer && now - lastAt > GAP) end();
    if (!buffer) begin(wasInserted ? text : "");
    buffer += text;
    lastAt = now;
    clearTimeout(timer);
    timer = setTimeout(end, buffer.length >= LEAST ? SILENCE : TYPED_AFTER);
  }

  function end() {
    clearTimeout(timer);
    const text = buffer;
    buffer = "";
    if (text.length >= LEAST) {
      if (field && "value" in field) field.value = before;
      scanner.value = "";
      onScan(text, field);
    } else if (field === scanner && scanner.value) {
      const typed = scanner.value;
      scanner.value = "";
      onTyped(typed);
    }
  }

  function onKey(event) {
    if (event.isComposing || event.key === "Unidentified" || event.key === "Process") return;
    if (event.key === "Enter" || event.key === "Tab") {
      if (buffer.length >= LEAST && performance.now() - lastAt <= SILENCE) {
        event.preventDefault();
        event.stopImmediatePropagation();
        end();
      } else if (buffer) end();
      return;
    }
    if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey) return;
    keyed = true;
    feed(event.key, false);
  }

  document.addEventListener("keydown", onKey, true);
  document.addEventListener("input", (event) => {
    const wasKeyed = keyed;
    keyed = false;
    if (!wasKeyed && event.inputType === "insertText" && event.data) feed(event.data, true);
  }, true);
  document.addEventListener("compositionend", (event) => {
    if (!event.data) return;
    feed(event.data, true);
    if (buffer.length >= LEAST) onComposition();
  }, true);
}
