// Enrolling many: a folder, or more pictures than advice on each would help with, go in portions,
// each with a result for every file.

import { picturesOf } from "./well.js";

const ADVISED = 20; // as the server's own ADVISED
const PORTION = 8;

export function startEnrolling({ token, say }) {
  const form = document.querySelector("[data-enroll]");
  if (!form) return;
  const field = form.querySelector('input[type="file"]');
  const name = form.querySelector("#thing");
  const count = form.querySelector("[data-count]");
  const many = new Many(form, token, say);

  field.addEventListener("change", () => {
    const n = field.files.length;
    count.textContent = n > 1 ? `${n} pictures chosen` : "";
  });
  form.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target !== form || field.files.length <= ADVISED) return;
    event.preventDefault();
    many.enroll([...field.files].map((file) => ({ file, thing: name.value || stemOf(file.name) })));
  });
  form.addEventListener("folder", async (event) => {
    const found = [];
    for (const entry of event.detail) if (entry) await gather(entry, [], found);
    many.enroll(found);
  });
  form.querySelector("[data-folder]").addEventListener("click", () => {
    const folder = document.createElement("input");
    folder.type = "file";
    folder.webkitdirectory = true;
    folder.addEventListener("change", () => {
      many.enroll(
        picturesOf(folder.files).map((file) => ({
          file,
          thing: thingOf(file.webkitRelativePath.split("/").slice(1)),
        })),
      );
    });
    folder.click();
  });
}

class Many {
  constructor(form, token, say) {
    this.form = form;
    this.token = token;
    this.say = say;
    this.bar = form.querySelector("progress");
    this.results = form.querySelector("#enrolled");
  }

  async enroll(entries) {
    if (!entries.length) {
      this.say("There are no pictures in it.");
      return;
    }
    this.begin(entries.length);
    for (const portion of portionsOf(entries)) {
      const part = await this.send(portion);
      if (part === null) break;
      this.add(part);
      this.bar.value += portion.length;
    }
    this.end();
  }

  begin(n) {
    this.list = document.createElement("ul");
    this.list.className = "results";
    this.list.tabIndex = 0;
    this.list.setAttribute("aria-label", "What became of each picture");
    this.results.replaceChildren(this.list);
    this.bar.max = n;
    this.bar.value = 0;
    this.bar.parentElement.hidden = false;
    this.form.querySelectorAll("button").forEach((button) => (button.disabled = true));
  }

  end() {
    this.form.querySelectorAll("button").forEach((button) => (button.disabled = false));
    const told = document.createElement("p");
    const n = this.list.querySelectorAll(".good").length;
    told.append(`${n} of ${this.bar.max} pictures are in the gallery. `);
    const link = document.createElement("a");
    link.href = location.pathname;
    link.textContent = "Show them";
    told.append(link);
    this.results.prepend(told);
  }

  async send(portion) {
    const body = new FormData();
    body.append("thing", portion[0].thing);
    body.append("at_once", "yes");
    portion.forEach(({ file }) => body.append("picture", file, file.name));
    const headers = { "HX-Request": "true", "X-CSRF-Token": this.token };
    try {
      const answer = await fetch(this.form.action, { method: "POST", body, headers });
      const text = await answer.text();
      if (answer.ok) return text;
      const part = new DOMParser().parseFromString(text, "text/html");
      this.say(part.body.textContent.trim());
    } catch {
      this.say("The server cannot be reached. Is firstsight serve still running?");
    }
    return null;
  }

  add(text) {
    const part = new DOMParser().parseFromString(text, "text/html");
    this.list.append(...part.querySelectorAll(".results > li"));
    this.list.lastElementChild?.scrollIntoView({ block: "nearest" });
  }
}

// Pictures of one thing, a few at a time.
function portionsOf(entries) {
  const portions = [];
  for (const entry of entries) {
    const last = portions[portions.length - 1];
    if (last && last.length < PORTION && last[0].thing === entry.thing) last.push(entry);
    else portions.push([entry]);
  }
  return portions;
}

async function gather(entry, path, found) {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    if (picturesOf([file]).length) found.push({ file, thing: thingOf([...path, file.name]) });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return;
    for (const each of some) {
      // The folder that was dropped is the gallery; its sub-folders are the things.
      await gather(each, each.isDirectory ? [...path, each.name] : path, found);
    }
  }
}

// A picture in a sub-folder is of the thing called like it; one beside them is a thing of its own.
function thingOf(path) {
  return path.length > 1 ? path[path.length - 2] : stemOf(path[path.length - 1]);
}

function stemOf(name) {
  return name.replace(/\.[^.]+$/, "") || name;
}
