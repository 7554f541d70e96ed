// The page of one event: copy buttons, the check of a value, and the keys j and k.
"use strict";

for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.from).textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
}

const form = document.getElementById("check");
const result = document.getElementById("checked");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const value = form.elements.value.value;
  if (!value.trim()) return;
  try {
    const body = JSON.stringify({ event: Number(form.dataset.event), value });
    const answer = await fetch("/api/check-value", { method: "POST", body });
    const { fields, error } = await answer.json();
    result.textContent = error || (fields.length ? `Yes: ${fields.join(", ")}` : "No: no field has the digest of this value.");
  } catch {
    result.textContent = "Disconnected: the manager has stopped.";
  }
});

addEventListener("keydown", (event) => {
  if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
  const link = { j: "next", k: "prev" }[event.key];
  if (link) document.querySelector(`a[rel=${link}]`)?.click();
});
