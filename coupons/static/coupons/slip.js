// The slip: one button to print it.

document.documentElement.classList.add("has-script");
document.getElementById("print").addEventListener("click", () => window.print());
