// The enlarged code: the screen stays on while it is shown, and "smaller" leaves no step behind for the back key.

const note = document.getElementById("awake");

async function stayAwake() {
  const lock = await navigator.wakeLock?.request("screen").catch(() => null);
  note.hidden = !lock;
}

// The lock is lost whenever the page is out of sight.
document.addEventListener("visibilitychange", () => { if (!document.hidden) stayAwake(); });
document.getElementById("back").addEventListener("click", (event) => {
  event.preventDefault();
  location.replace(event.currentTarget.href);
});
stayAwake();
