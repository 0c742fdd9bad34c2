// The camera of a desk: what it sees, and a button that puts one picture into the form. Phones have their own way.
"use strict";

for (const field of document.querySelectorAll("[data-camera]")) {
  const part = (name) => field.querySelector(`[data-camera-${name}]`);
  const [open, view, take, words] = ["open", "view", "take", "words"].map(part);
  const input = document.querySelector("#picture");
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) continue;
  field.hidden = false;

  open.addEventListener("click", async () => {
    try {
      view.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      await view.play();
      view.hidden = take.hidden = false;
      open.hidden = true;
      take.focus();
    } catch (error) {
      words.textContent = `The camera cannot be used: ${error.name}.`;
    }
  });

  take.addEventListener("click", () => {
    const canvas = document.createElement("canvas");
    canvas.width = view.videoWidth;
    canvas.height = view.videoHeight;
    canvas.getContext("2d").drawImage(view, 0, 0);
    canvas.toBlob((blob) => {
      const files = new DataTransfer();
      files.items.add(new File([blob], "camera.jpg", { type: "image/jpeg" }));
      input.files = files.files;
      for (const track of view.srcObject.getTracks()) track.stop();
      input.form.requestSubmit();
    }, "image/jpeg", 0.92);
  });
}
