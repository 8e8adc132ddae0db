// A board to draw on: strokes of dark ink on light paper, as lists of points, so that they can be
// taken back and drawn again at any size.

const SIDE = 420; // of the canvas, in its own units
const WIDTH = 9; // of a stroke
const EXPORTED = 210; // px; the model looks at 32
const PAUSE_MS = 550; // after a stroke, before anybody is asked

export class Board {
  // changed: called when a drawing has come to rest, and when it was cleared.
  constructor(element, changed) {
    this.element = element;
    this.canvas = element.querySelector("canvas");
    this.pen = this.canvas.getContext("2d");
    this.changed = changed;
    this.strokes = [];
    this.waiting = 0;
    this.listen();
    this.redraw();
  }

  get isEmpty() {
    return this.strokes.length === 0;
  }

  clear() {
    this.strokes = [];
    this.redraw();
    clearTimeout(this.waiting);
  }

  unstroke() {
    this.strokes.pop();
    this.redraw();
    this.rest();
  }

  // A PNG on white paper, whatever the page's colours are.
  picture(name = "drawing.png") {
    const sheet = document.createElement("canvas");
    sheet.width = sheet.height = EXPORTED;
    const pen = sheet.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, EXPORTED, EXPORTED);
    pen.scale(EXPORTED / SIDE, EXPORTED / SIDE);
    this.strokes.forEach((stroke) => ink(pen, stroke));
    return new Promise((done) => {
      sheet.toBlob((blob) => done(new File([blob], name, { type: "image/png" })), "image/png");
    });
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      clearTimeout(this.waiting);
      this.stroke = [this.place(event)];
      this.strokes.push(this.stroke);
      this.redraw();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.stroke) return;
      const points = event.getCoalescedEvents?.() ?? [];
      (points.length ? points : [event]).forEach((each) => this.stroke.push(this.place(each)));
      this.redraw();
    });
    const lift = () => {
      if (!this.stroke) return;
      this.stroke = null;
      this.rest();
    };
    canvas.addEventListener("pointerup", lift);
    canvas.addEventListener("pointercancel", lift);
  }

  rest() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.changed?.(this), PAUSE_MS);
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * SIDE,
      ((event.clientY - box.top) / box.height) * SIDE,
    ];
  }

  redraw() {
    const { canvas, pen } = this;
    const sharp = Math.max(1, window.devicePixelRatio || 1);
    if (canvas.width !== SIDE * sharp) canvas.width = canvas.height = SIDE * sharp;
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.clearRect(0, 0, SIDE, SIDE);
    this.strokes.forEach((stroke) => ink(pen, stroke));
    this.element.classList.toggle("has-ink", !this.isEmpty);
  }
}

function ink(pen, points) {
  pen.lineWidth = WIDTH;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = "#1e1d1a";
  pen.beginPath();
  pen.moveTo(...points[0]);
  if (points.length === 1) pen.lineTo(points[0][0] + 0.01, points[0][1]);
  // Through the middles between points, each point bending the line: no corners of a slow mouse.
  for (let i = 1; i < points.length - 1; i += 1) {
    const [x, y] = points[i];
    const [nextX, nextY] = points[i + 1];
    pen.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  if (points.length > 1) pen.lineTo(...points[points.length - 1]);
  pen.stroke();
}

let shared; // the dialog to draw in, made when it is first wanted

// A drawing, from the dialog that any page may open; null where it was closed.
export function askForDrawing() {
  shared ??= makeDialog();
  const { dialog, board } = shared;
  board.clear();
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener(
      "close",
      () => done(dialog.returnValue === "use" && !board.isEmpty ? board.picture() : null),
      { once: true },
    );
  });
}

function makeDialog() {
  const dialog = document.getElementById("drawing-dialog");
  const board = new Board(dialog.querySelector("[data-board]"));
  dialog.querySelector("[data-clear]").addEventListener("click", () => board.clear());
  return { dialog, board };
}

export function startBoards() {
  document.getElementById("drawing-dialog")?.addEventListener("click", (event) => {
    if (event.target === event.currentTarget) event.currentTarget.close("");
  });
}
