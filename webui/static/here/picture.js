// The way in and out for pictures: chosen, dropped or pasted files are decoded here; the sharp one is a download.
import { Problem } from "./problem.js";

const MOST_PIXELS = 40e6; // the picture, what is added and the result take 9 bytes a pixel and more

// onFile(file) for each way in; zone: the element that is marked while something is dragged over the page.
export function listenForFiles(input, zone, onFile) {
  const first = (list) => list?.length > 0 && onFile(list[0]);
  const hasFiles = (event) => Array.from(event.dataTransfer?.types ?? []).includes("Files");
  input.addEventListener("change", () => {
    first(input.files);
    input.value = ""; // so that choosing the same file again is a change
  });
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && zone.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (!hasFiles(event)) return;
    event.preventDefault();
    first(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    first(event.clipboardData.files);
  });
}

// The upright picture of a file as an ImageBitmap.
export async function decode(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Problem(`${file.name} could not be read as a picture. Choose a JPEG, PNG or WebP file that is whole.`);
  }
  if (bitmap.width * bitmap.height > MOST_PIXELS) {
    const megapixels = Math.ceil((bitmap.width * bitmap.height) / 1e6);
    bitmap.close();
    throw new Problem(`${file.name} has ${megapixels} megapixels, the limit is ${MOST_PIXELS / 1e6}. Use \`python launch.py sharpen\` for it.`);
  }
  return bitmap;
}

// name: of the file that it came from; kind: "png" or "jpeg".
export async function download(canvas, name, kind) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, `image/${kind}`, 0.95));
  if (!blob) throw new Problem("This browser could not write the picture. Try the other format.");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name.replace(/\.[^.]*$/, "")}-sharp.${kind === "jpeg" ? "jpg" : kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
