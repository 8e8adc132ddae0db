// Wells: where a picture is dropped, pasted, chosen, photographed or drawn. Each fills the form's
// own field for files, so that what is sent is what a form without scripts would send.

import { askForDrawing } from "./board.js";
import { askForPhotograph } from "./camera.js";

const wells = [];

export function startWells() {
  document.querySelectorAll("[data-well]").forEach((element) => wells.push(new Well(element)));
  if (!wells.length) return;
  document.addEventListener("paste", (event) => {
    const files = picturesOf(event.clipboardData?.files);
    if (files.length) (wells.find((well) => well.isEmpty) ?? wells[wells.length - 1]).take(files);
  });
  // A picture that misses the well must not replace the page.
  for (const kind of ["dragover", "drop"]) {
    document.addEventListener(kind, (event) => event.preventDefault());
  }
}

export function picturesOf(files) {
  return [...(files ?? [])].filter(
    (file) => file.type.startsWith("image/") || /\.(heic|heif|tiff?)$/i.test(file.name),
  );
}

export function fill(field, files) {
  const carrier = new DataTransfer();
  files.forEach((file) => carrier.items.add(file));
  field.files = carrier.files;
}

class Well {
  constructor(element) {
    this.element = element;
    this.field = element.querySelector('input[type="file"]');
    this.image = element.querySelector(".view img");
    this.hint = element.querySelector(".view .hint");
    this.form = element.closest("form");
    element.querySelector("[data-choose]").addEventListener("click", () => this.field.click());
    element.querySelector("[data-draw]").addEventListener("click", () => this.ask(askForDrawing));
    element
      .querySelector("[data-camera]")
      .addEventListener("click", () => this.ask(askForPhotograph));
    this.field.addEventListener("change", () => this.show());
    this.listenForDrops();
  }

  get isEmpty() {
    return this.field.files.length === 0;
  }

  async ask(from) {
    const file = await from();
    if (file) this.take([file]);
  }

  take(files) {
    fill(this.field, this.field.multiple ? files : files.slice(0, 1));
    this.field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  show() {
    const [file] = this.field.files;
    URL.revokeObjectURL(this.image.src);
    this.image.hidden = !file;
    this.hint.hidden = Boolean(file);
    if (!file) return;
    this.image.src = URL.createObjectURL(file);
    // A type that this browser cannot show is still read by the server.
    this.image.onerror = () => {
      this.image.hidden = true;
      this.hint.hidden = false;
      this.hint.querySelector("p").textContent = file.name;
    };
    const isWhole = wells.every((well) => well.form !== this.form || !well.isEmpty);
    if ("submits" in this.element.dataset && isWhole) this.form.requestSubmit();
  }

  listenForDrops() {
    const { element } = this;
    element.addEventListener("dragover", () => element.classList.add("is-over"));
    element.addEventListener("dragleave", (event) => {
      if (!element.contains(event.relatedTarget)) element.classList.remove("is-over");
    });
    element.addEventListener("drop", (event) => {
      element.classList.remove("is-over");
      const entries = [...(event.dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry?.());
      if (this.field.multiple && entries.some((entry) => entry?.isDirectory)) {
        element.dispatchEvent(new CustomEvent("folder", { detail: entries, bubbles: true }));
        return;
      }
      const files = picturesOf(event.dataTransfer?.files);
      if (files.length) this.take(files);
    });
  }
}
