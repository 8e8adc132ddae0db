// The page Draw: whenever the pen rests, ask what it is.

import { Board } from "./board.js";
import { fill } from "./well.js";

export function startDrawing() {
  const form = document.querySelector("[data-drawing]");
  if (!form) return;
  const field = form.querySelector("[data-ink]");
  const steps = document.querySelectorAll("[data-steps] li");
  const taught = { any: false };

  const board = new Board(form.querySelector("[data-board]"), async () => {
    if (board.isEmpty) return;
    fill(field, [await board.picture()]);
    mark(steps, taught.any ? 2 : 1);
    form.requestSubmit();
  });
  form.querySelector("[data-clear]").addEventListener("click", () => board.clear());
  form.querySelector("[data-unstroke]").addEventListener("click", () => board.unstroke());
  field.addEventListener("change", () => {
    board.clear();
    form.requestSubmit();
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!event.detail.target.querySelector("[data-taught]")) return;
    taught.any = true;
    board.clear();
    mark(steps, 2);
  });
}

function mark(steps, now) {
  steps.forEach((step, number) => {
    step.classList.toggle("is-done", number < now);
    step.classList.toggle("is-now", number === now);
  });
}
