// A file dropped on the field is as good as a chosen one; the field itself works without this.
document.querySelectorAll("[data-drop]").forEach((field) => {
  const input = field.querySelector("input[type=file]");
  const told = field.querySelector("[data-chosen]");
  field.classList.add("is-ready");
  const tell = () => {
    const [file] = input.files;
    told.textContent = file ? `${file.name} · ${(file.size / 1048576).toFixed(1)} MB` : "";
  };
  input.addEventListener("change", tell);
  field.addEventListener("dragover", (event) => {
    event.preventDefault();
    field.classList.add("is-over");
  });
  field.addEventListener("dragleave", () => field.classList.remove("is-over"));
  field.addEventListener("drop", (event) => {
    event.preventDefault();
    field.classList.remove("is-over");
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    tell();
  });
});
