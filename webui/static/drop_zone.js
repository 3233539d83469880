// The one way in: files chosen, dropped anywhere on the page or pasted are uploaded, then announced as one "upload" event.
const input = element.querySelector("input[type=file]");
const zone = element.querySelector(".drop-zone");
const state = element.querySelector(".state");
let round = 0; // the newest choice wins: an older one that is still being uploaded is given up

function say(text, isError) {
  state.textContent = text;
  zone.classList.toggle("error", Boolean(isError));
  if (isError) window.whetstone?.idle();
}

async function bring(list) {
  const files = Array.from(list);
  if (files.length === 0) return;
  const mine = ++round;
  if (files.length > props.max_files) {
    say(`${files.length} files at once are more than ${props.max_files}. Bring them in parts.`, true);
    return;
  }
  const tooLarge = files.filter((file) => file.size > props.max_bytes);
  const limit = Math.floor(props.max_bytes / 1048576);
  if (tooLarge.length > 0) {
    const size = Math.ceil(tooLarge[0].size / 1048576);
    say(`${tooLarge[0].name} has ${size} MB; the limit is ${limit} MB.`, true);
    if (tooLarge.length === files.length) return;
  } else {
    say("");
  }
  window.whetstone?.busy();
  const sent = [];
  for (const file of files.filter((one) => one.size <= props.max_bytes)) {
    if (files.length > 1) say(`Reading ${sent.length + 1} of ${files.length}`);
    let path, why;
    try {
      ({ path } = await upload(file));
    } catch (error) {
      console.warn(error);
      why = String(error?.message ?? error).match(/HTTP 4\d\d: (.+)/)?.[1]; // the server's own words
    }
    if (mine !== round) return;
    if (!path) {
      say(why ? `${file.name}: ${why}` : `${file.name} could not be read. Is Whetstone still running?`, true);
      return;
    }
    sent.push({ path: path, name: file.name });
  }
  if (tooLarge.length === 0) say("");
  trigger("upload", { files: sent });
}

function hasFiles(event) {
  return event.dataTransfer && Array.from(event.dataTransfer.types).includes("Files");
}

input.addEventListener("change", () => {
  bring(input.files);
  input.value = ""; // so that choosing the same file again is a change
});

document.addEventListener("dragover", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  zone.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) zone.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  zone.classList.remove("over");
  if (!hasFiles(event)) return;
  event.preventDefault();
  bring(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
  const files = Array.from(event.clipboardData ? event.clipboardData.files : []);
  if (files.length === 0) return;
  event.preventDefault();
  // a copied picture has no name of its own: browsers call it image.png
  bring(files.map((file) => (file.name === "image.png" ? new File([file], "pasted.png", { type: file.type }) : file)));
});
