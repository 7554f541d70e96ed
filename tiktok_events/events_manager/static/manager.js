// Polls the manager for changes, and updates the rendered rows and figures.
"use strict";

const MOST_ROWS = 1000;
const rows = document.getElementById("rows");
const figures = document.getElementById("figures");
const live = document.getElementById("live");
const search = document.getElementById("search");
const filters = document.getElementById("filters");
let shown = "all";

function figure(name) {
  return Number(figures.querySelector("[data-cursor]").dataset[name]);
}

function localTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const when = new Date(time.dateTime);
    if (!Number.isNaN(when.getTime())) {
      time.textContent = when.toLocaleTimeString([], { hour12: false });
      time.title = when.toLocaleString();
    }
  }
}

function fits(row) {
  const wanted = search.value.trim().toLowerCase();
  const named = row.querySelector(".name").textContent + " " + row.querySelector(".id").textContent;
  return (shown === "all" || row.classList.contains(shown)) && named.toLowerCase().includes(wanted);
}

function filter() {
  let visible = 0;
  for (const row of rows.children) {
    row.hidden = !fits(row);
    visible += row.hidden ? 0 : 1;
  }
  document.getElementById("empty").hidden = rows.children.length > 0;
  rows.classList.toggle("nothing", rows.children.length > 0 && visible === 0);
}

// Rows come newest first. A changed row replaces the old one, and stays open if it was open.
function place(row) {
  const old = rows.querySelector(`[data-id="${row.dataset.id}"]`);
  if (old) {
    row.open = old.open;
    old.replaceWith(row);
    return;
  }
  const older = [...rows.children].find((one) => Number(one.dataset.id) < Number(row.dataset.id));
  rows.insertBefore(row, older || null);
  row.classList.add("fresh");
  // Otherwise it would flash again when a filter hides and shows it.
  row.addEventListener("animationend", () => row.classList.remove("fresh"), { once: true });
}

function forget(oldest) {
  for (const row of [...rows.children].reverse()) {
    if (Number(row.dataset.id) >= oldest && rows.children.length <= MOST_ROWS) break;
    row.remove();
  }
}

function take(html) {
  // The manager has escaped this HTML; in a separate document none of it runs.
  const answer = new DOMParser().parseFromString(html, "text/html");
  figures.replaceChildren(...answer.getElementById("figures").children);
  const news = [...answer.getElementById("rows").children];
  for (const row of news.reverse()) {
    localTimes(row);
    place(row);
  }
  forget(figure("oldest"));
  filter();
}

const verdict = document.getElementById("findings");
let said = verdict.innerHTML.trim();

// Replaced only if they have changed: a screen reader speaks what is replaced.
async function askFindings() {
  const html = (await (await fetch("/findings")).text()).trim();
  if (html === said) return;
  said = html;
  const answer = new DOMParser().parseFromString(html, "text/html");
  verdict.replaceChildren(...answer.body.children);
  take(await (await fetch("/rows")).text()); // rows show what the findings say of them
}

function openNamed() {
  const row = document.getElementById(location.hash.slice(1));
  if (row instanceof HTMLDetailsElement) {
    row.open = true;
    row.scrollIntoView({ block: "center" });
  }
}

async function ask() {
  const answer = await fetch(`/rows?after=${figure("cursor")}`);
  if (answer.status === 200) {
    take(await answer.text());
  } else if (answer.status === 204 && Number(answer.headers.get("Oldest-Event")) !== figure("oldest")) {
    take(await (await fetch("/rows")).text());
  } else if (answer.status !== 204) {
    throw new Error(String(answer.status));
  }
}

async function follow() {
  try {
    await ask();
    await askFindings();
    live.textContent = "live";
    live.className = "live on";
  } catch {
    live.textContent = "Disconnected: the manager has stopped. Retrying\u2026";
    live.className = "live off";
  }
  setTimeout(follow, document.hidden ? 5000 : 1000);
}

addEventListener("hashchange", openNamed);
filters.addEventListener("click", (event) => {
  const wanted = event.target.dataset.show;
  if (!wanted) return;
  shown = wanted;
  for (const button of filters.children) button.setAttribute("aria-pressed", String(button.dataset.show === wanted));
  filter();
});
search.addEventListener("input", filter);
document.getElementById("clear").addEventListener("click", async () => {
  await fetch("/api/clear", { method: "POST" });
  await ask();
});

for (const hidden of [filters, search, document.getElementById("clear")]) hidden.hidden = false;
localTimes(document);
filter();
openNamed();
follow();
