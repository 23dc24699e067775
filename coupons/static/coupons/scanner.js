// A scan gun is a keyboard that types fast: tell its bursts from a person, wherever the focus is.

const GAP = 50;
const SILENCE = 120;
const TYPED_AFTER = 60;
const LEAST = 8;

/**
 * Call `onScan(text, {composed})` for each burst and `onTyped(text, field)` for what a person typed outside
 * of the page's fields. The Enter or Tab that ends a burst never reaches the page, and the field that had
 * the focus gets its old text back. `composed` says that an input method stood in the gun's way.
 */
export function watchScans({ scanner = null, onScan, onTyped = () => {} }) {
  let buffer = "";
  let strokes = 0;
  let composed = false;
  let isOpen = false;
  let lastAt = 0;
  let field = null;
  let before = "";
  let timer = 0;
  let keyed = false;

  // Under an input method twelve keys may come out as three characters: then the keys count.
  const isBurst = () => buffer.length >= LEAST || (composed && strokes >= LEAST);

  function begin(inserted) {
    isOpen = true;
    field = document.activeElement;
    const value = field && "value" in field ? field.value : "";
    before = inserted && value.endsWith(inserted) ? value.slice(0, -inserted.length) : value;
  }

  function feed(text, wasInserted) {
    const now = performance.now();
    if (isOpen && now - lastAt > GAP) end();
    if (!isOpen) begin(wasInserted ? text : "");
    buffer += text;
    lastAt = now;
    clearTimeout(timer);
    timer = setTimeout(end, isBurst() ? SILENCE : TYPED_AFTER);
  }

  function end() {
    clearTimeout(timer);
    const [text, burst, wasComposed] = [buffer, isBurst(), composed];
    [buffer, strokes, composed, isOpen] = ["", 0, false, false];
    if (burst) giveBack(text, wasComposed);
    else if (field && field === scanner) passOn(scanner.value);
    else if (text && !isField(field)) onTyped(text);
  }

  function giveBack(text, wasComposed) {
    if (isField(field)) field.value = before;
    if (scanner) scanner.value = "";
    onScan(text, { composed: wasComposed });
  }

  function passOn(typed) {
    scanner.value = "";
    if (typed) onTyped(typed);
  }

  function onKey(event) {
    if (event.key === "Enter" || event.key === "Tab") return onEnd(event);
    if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
    if (event.isComposing || event.key === "Unidentified" || event.key === "Process") return stroke();
    if (event.key.length !== 1) return undefined;
    keyed = true;
    return feed(event.key, false);
  }

  function stroke() {
    feed("", false);
    strokes += 1;
  }

  function onEnd(event) {
    if (!isOpen) return;
    const isItsEnd = isBurst() && performance.now() - lastAt <= SILENCE;
    if (isItsEnd && !event.isComposing) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
    if (!event.isComposing) end();
  }

  document.addEventListener("keydown", onKey, true);
  document.addEventListener("input", (event) => {
    const wasKeyed = keyed;
    keyed = false;
    if (!wasKeyed && event.inputType === "insertText" && event.data) feed(event.data, true);
  }, true);
  document.addEventListener("compositionend", (event) => {
    if (!event.data) return;
    composed = true;
    feed(event.data, true);
  }, true);
}

function isField(element) {
  return element?.matches?.("input:not([type=radio], [type=checkbox], [type=hidden]), textarea") ?? false;
}
