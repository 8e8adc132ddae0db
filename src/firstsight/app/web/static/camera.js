// A photograph: from this device's camera where the page may have it (localhost or HTTPS), else
// by the capture button that phones give a field for files.

const LONGEST_PX = 1280;

export async function askForPhotograph() {
  if (!navigator.mediaDevices?.getUserMedia) return fromPhone();
  const dialog = document.getElementById("camera-dialog");
  const video = dialog.querySelector("video");
  const words = dialog.querySelector("[data-words]");
  const take = dialog.querySelector('[value="take"]');
  words.textContent = "";
  take.disabled = true;
  const closed = new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue), { once: true });
  });
  dialog.returnValue = "";
  dialog.showModal();
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: LONGEST_PX } },
    });
    video.srcObject = stream;
    await video.play();
    take.disabled = false;
  } catch {
    words.textContent =
      "The camera cannot be used: allow it for this page, or choose a picture instead.";
  }
  const isTaken = (await closed) === "take" && Boolean(stream);
  const file = isTaken ? await still(video) : null;
  stream?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
  return file;
}

function still(video) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((done) => {
    canvas.toBlob(
      (blob) => done(new File([blob], "photograph.jpg", { type: "image/jpeg" })),
      "image/jpeg",
      0.92,
    );
  });
}

function fromPhone() {
  const field = document.createElement("input");
  field.type = "file";
  field.accept = "image/*";
  field.setAttribute("capture", "environment");
  return new Promise((done) => {
    field.addEventListener("change", () => done(field.files[0] ?? null));
    field.addEventListener("cancel", () => done(null));
    field.click();
  });
}
