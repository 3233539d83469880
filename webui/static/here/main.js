// Puts the page together: the controls, the view, the engine, and where pictures come from.
import { callOneself } from "./call.js";
import { Camera } from "./camera.js";
import { Engine } from "./engine.js";
import { RecentTimes, inMs, oneDecimal, showFigures } from "./figures.js";
import { decode, download, listenForFiles } from "./picture.js";
import { Problem, fetchFile } from "./problem.js";
import { splitView } from "./split.js";

const find = (name) => document.getElementById(name);
const asked = new URLSearchParams(location.search); // ?student= &backend= &precision=, for who wants another first choice
const view = splitView(find("picture"));
const camera = new Camera();
let engine = null;
let ready; // a promise: the engine can be used
let way = null; // how it computes
let picture = null; // the one that was brought: { name, bitmap, result }
let bypass = false;
let working = false; // a job is under way; what is wanted meanwhile is done after it, the newest alone
let wantedJob = null;
let times = new RecentTimes();
let call = null;
let under = 0; // how many actions are under way

const strength = () => Number(find("strength").value) / 100;
const student = () => find("student").value;

function say(text, isBad = false) {
  find("line").textContent = text;
  find("line").classList.toggle("bad", isBad);
}

// While something is done, the picture is not yet what was asked for.
async function busily(action) {
  const tell = (change) => find("picture").setAttribute("aria-busy", String((under += change) > 0));
  tell(1);
  try {
    return await action();
  } finally {
    tell(-1);
  }
}

// Run what a click asks for; what goes wrong is said in one line.
async function attempt(action) {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Problem)) console.error(error);
    say(error instanceof Problem ? error.message : `Something went wrong (${error.message}). Reload the page.`, true);
  }
}

// Fill the choice of students.
async function listStudents() {
  const list = await fetchFile(new URL("./models/students.json", import.meta.url), null, "Write the page anew with `python launch.py space --static OUT`.");
  const { students, chosen } = await list.json();
  find("student").replaceChildren(...students.map(({ name, words }) => new Option(words, name)));
  find("student").value = students.some(({ name }) => name === asked.get("student")) ? asked.get("student") : chosen;
}

async function startEngine() {
  engine?.close();
  const mine = new Engine();
  engine = mine;
  [way, document.body.dataset.ready] = [null, "false"];
  say("Loading ...");
  await listed;
  const onChange = (chosen) => {
    way = chosen;
    figures();
  };
  await mine.start({ student: student(), only: find("backend").value, precision: asked.get("precision") ?? "", onChange });
  if (engine !== mine) return;
  document.body.dataset.ready = "true";
  say(view.isEmpty() ? "Ready." : "");
  if (picture) want("picture");
}

// kind: "picture" (also measured anew) or "strength".
function want(kind) {
  if (wantedJob !== "picture") wantedJob = kind;
  if (!working) attempt(() => busily(work));
}

async function work() {
  working = true;
  try {
    await ready;
    while (wantedJob) {
      const kind = wantedJob;
      wantedJob = null;
      if (picture) await sharpenPicture(kind);
    }
  } finally {
    working = false;
  }
}

async function sharpenPicture(kind) {
  const mine = picture;
  const whole = kind === "picture" || mine.way !== way; // another worker does not know it yet
  if (whole) say("Sharpening ...");
  const progress = (share) => mine === picture && say(`Sharpening ... ${Math.round(100 * share)} %`);
  const message = whole ? { type: "picture", bitmap: mine.bitmap, student: student() } : { type: "strength" };
  let result;
  try {
    result = await engine.sharpen({ ...message, strength: strength() }, whole ? [mine.bitmap] : [], progress);
  } catch (error) {
    if (mine === picture) picture = null; // its bitmap went to the worker and is lost
    throw error;
  }
  if (result.bitmap) Object.assign(mine, { bitmap: result.bitmap, way, ms: result.ms });
  if (mine !== picture) return mine.bitmap.close();
  mine.result = result;
  say("");
  showPicture();
  figures();
  return undefined;
}

function showPicture() {
  const { bitmap, result } = picture;
  if (bypass || !result) view.showUntouched(bitmap, bitmap.width, bitmap.height);
  else view.show(bitmap, result);
  find("download").disabled = !result;
}

async function bring(file) {
  closeCamera();
  say(`Reading ${file.name} ...`);
  const bitmap = await decode(file);
  const before = picture;
  picture = { name: file.name, bitmap, result: null };
  if (before && before.bitmap.width > 0 && !working) before.bitmap.close(); // else whoever works with it closes it
  showPicture();
  want("picture");
}

async function startCamera() {
  await ready;
  find("start").disabled = true;
  say("Waiting for the camera: the browser may ask for it.");
  times = new RecentTimes();
  const [width, height] = find("size").value.split("x").map(Number);
  const lost = (problem) => attempt(() => {
    closeCamera();
    throw problem;
  });
  try {
    await camera.open({ width, height }, () => !working && attempt(nextFrame), lost);
  } catch (error) {
    closeCamera();
    throw error;
  } finally {
    find("start").disabled = false;
  }
  picture = null;
  find("start").textContent = "Stop the camera";
  find("download").disabled = false;
  say("");
}

async function nextFrame() {
  working = true;
  try {
    for (;;) {
      const takenAt = performance.now();
      const bitmap = await camera.take();
      if (!bitmap) break;
      if (bypass) {
        view.showUntouched(bitmap, bitmap.width, bitmap.height);
        bitmap.close();
        continue;
      }
      const message = { type: "frame", bitmap, student: student(), strength: strength(), atS: takenAt / 1000 };
      const result = await engine.sharpen(message, [bitmap]);
      if (camera.isOpen && bypass) view.showUntouched(result.bitmap, result.width, result.height);
      else if (camera.isOpen) view.show(result.bitmap, result);
      result.bitmap.close();
      camera.result = result;
      times.add(performance.now() - takenAt);
    }
  } catch (error) {
    closeCamera();
    throw error;
  } finally {
    working = false;
  }
  if (wantedJob) want(wantedJob); // a picture was brought meanwhile
}

function closeCamera() {
  if (!camera.isOpen && find("start").textContent === "Start the camera") return;
  camera.close();
  find("start").textContent = "Start the camera";
  if (!picture) {
    view.clear();
    endCall();
    find("download").disabled = true;
  }
  figures();
}

function figures() {
  const shown = camera.isOpen ? camera.result : picture?.result;
  const size = shown && `${shown.width} × ${shown.height}`;
  const computed = way && `${way.words}${shown && !bypass ? `, ${shown.precision}` : ""}`;
  const live = camera.isOpen && !bypass;
  showFigures(find("figures"), [
    ["fps", live ? oneDecimal(times.perSecond()) : null],
    ["latency p50", live ? inMs(times.percentile(50)) : null],
    ["latency p95", live ? inMs(times.percentile(95)) : null],
    ["dropped", camera.isOpen ? String(camera.dropped) : null],
    ["time", picture?.result ? inMs(picture.ms) : null],
    ["size", size],
    ["measured", shown?.words],
    ["computed by", computed],
  ]);
}

function setBypass(value) {
  bypass = value;
  find("bypass").setAttribute("aria-pressed", String(value));
  if (picture?.bitmap.width > 0) showPicture(); // else it is at the worker, whose answer shows it
  figures();
}

async function toggleCall() {
  if (call) return endCall();
  if (view.isEmpty()) throw new Problem("Choose a picture or start the camera first: a call needs something to send.");
  const begun = await callOneself(view.canvas, find("received"));
  find("call").setAttribute("aria-pressed", "true");
  find("call-back").hidden = false;
  // a still canvas gives no frames: it is drawn anew, as a camera's would be
  const drawing = setInterval(() => picture?.result && view.again(), 100);
  const telling = setInterval(async () => {
    const facts = await begun.facts();
    if (facts) find("call-facts").textContent = `Arrives as ${facts.codec}, ${facts.width} × ${facts.height}, ${facts.fps} a second`;
  }, 500);
  call = { end: () => [begun.close(), clearInterval(drawing), clearInterval(telling)] };
  return undefined;
}

function endCall() {
  call?.end();
  call = null;
  find("call").setAttribute("aria-pressed", "false");
  find("call-back").hidden = true;
  find("call-facts").textContent = "Connecting ...";
}

listenForFiles(find("files"), find("drop"), (file) => attempt(() => busily(() => bring(file))));
find("start").addEventListener("click", () => attempt(async () => (camera.isOpen ? closeCamera() : startCamera())));
find("size").addEventListener("change", () => camera.isOpen && attempt(async () => [closeCamera(), await startCamera()]));
find("bypass").addEventListener("click", () => setBypass(!bypass));
find("strength").addEventListener("input", () => {
  find("strength-value").textContent = `${find("strength").value} %`;
  if (picture) want("strength");
});
find("student").addEventListener("change", () => picture && want("picture"));
find("backend").addEventListener("change", () => attempt(() => (ready = startEngine())));
find("download").addEventListener("click", () => attempt(() => download(view.canvas, picture?.name ?? "camera", find("kind").value)));
find("call").addEventListener("click", () => attempt(toggleCall));
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("select, input[type=text]");
  if (event.key.toLowerCase() !== "b" || event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing) return;
  event.preventDefault();
  setBypass(!bypass);
});
setInterval(() => camera.isOpen && figures(), 500);

find("backend").value = asked.get("backend") ?? "";
const listed = listStudents();
ready = startEngine();
attempt(() => ready);
