// What every page needs: the token that proves where a request comes from, errors in words, and
// the parts that make a page pleasant. Each part finds its own elements and is silent without them.

import { startBoards } from "./board.js";
import { startDrawing } from "./drawing.js";
import { startEnrolling } from "./enrolling.js";
import { startRates } from "./rates.js";
import { startWells } from "./well.js";

const token = document.querySelector('meta[name="csrf-token"]').content;

document.addEventListener("htmx:configRequest", (event) => {
  if (token) event.detail.headers["X-CSRF-Token"] = token;
});

// The gate in front of the pages answers in JSON: a server that is busy, a session that has ended.
document.addEventListener("htmx:beforeSwap", (event) => {
  const answer = event.detail.xhr;
  if (!answer.getResponseHeader("Content-Type")?.startsWith("application/json")) return;
  event.detail.shouldSwap = false;
  if (answer.status === 401) location.assign("/login");
  else say(wordsOf(answer.responseText));
});

document.addEventListener("htmx:sendError", () => {
  say("The server cannot be reached. Is firstsight serve still running?");
});

// What was undone or refused from afar may have changed what the page shows.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "toast") dismissable(event.detail.target);
});

for (const menu of document.querySelectorAll("details.menu")) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

function wordsOf(text) {
  try {
    return JSON.parse(text).error.message;
  } catch {
    return "Something went wrong; try again.";
  }
}

export function say(words) {
  const toast = document.getElementById("toast");
  const note = document.createElement("p");
  note.className = "note";
  note.textContent = words;
  toast.replaceChildren(note);
  dismissable(toast);
}

function dismissable(toast) {
  const note = toast.firstElementChild;
  if (!note) return;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => toast.replaceChildren());
  note.append(close);
}

startBoards();
startWells();
startDrawing();
startEnrolling({ token, say });
startRates();
