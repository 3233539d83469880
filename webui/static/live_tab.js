// Puts the Live tab together: the controls, the view and the two cameras.
const root = element.querySelector(".live");
const find = (name) => root.querySelector(`.live-${name}`);
const parts = Object.fromEntries(["start", "bypass", "record", "strength", "student", "source", "size", "rate", "virtual"].map((name) => [name, find(name)]));
const BROWSER_SIZES = [[640, 480], [1280, 720], [1920, 1080]];
const settings = {
  strength: 1,
  student: props.student,
  bypass: false,
  studentWords: () => parts.student.selectedOptions[0]?.textContent.split(":")[0] || "",
  host: () => {
    const [width, height] = parts.size.value.split("x").map(Number);
    const chosen = parts.source.value;
    return { source: /^\d+$/.test(chosen) ? Number(chosen) : chosen, width, height, fps: Number(parts.rate.value), virtual: parts.virtual.checked };
  },
};
const view = splitView(root);
view.visible = () => root.offsetParent !== null;
const figures = liveFigures(root);
let mode = "browser";
let hostOffers = null;
let browserSources = [];
let touchedAt = -Infinity; // what a person is setting is not overwritten by what the session says

function fill(select, entries, chosen) {
  const before = chosen ?? select.value;
  select.replaceChildren(...entries.map(([value, words]) => new Option(words, value)));
  if (entries.some(([value]) => String(value) === String(before))) select.value = before;
}

function line(text, isBad = false) {
  const place = find("line");
  if (place.textContent !== text) place.textContent = text;
  place.classList.toggle("bad", isBad);
}

function state(word) {
  root.dataset.state = word;
  parts.start.textContent = word === "stopped" ? "Start" : word === "starting" ? "Starting ..." : "Stop";
  parts.start.disabled = word === "starting" && mode === "host" && !host.running();
  parts.record.disabled = word !== "running";
}

const forMode = (name, callback) => (...values) => mode === name && callback(...values);
const browser = browserCamera(view, settings, {
  line: forMode("browser", line),
  state: forMode("browser", state),
  figures: forMode("browser", figures.show),
  offers: (cameras, used) => {
    browserSources = cameras.map(({ source, name }) => [source, name]);
    if (mode === "browser") fill(parts.source, browserSources, used);
  },
});
const host = hostCamera(view, settings, {
  line: forMode("host", line),
  state: forMode("host", state),
  figures: forMode("host", figures.show),
  offers: (offers) => {
    hostOffers = offers;
    if (mode === "host") showOffers();
  },
  session: (now) => {
    if (mode !== "host") return;
    parts.record.setAttribute("aria-pressed", String(Boolean(now.recording)));
    parts.record.textContent = now.recording ? "Stop recording" : "Record";
    if (!now.running || performance.now() - touchedAt < 1500) return;
    setStrength(now.strength);
    setBypass(now.bypass);
    const isOffered = [...parts.student.options].some((one) => one.value === now.chosen_student);
    settings.student = parts.student.value = isOffered ? now.chosen_student : now.settings.student;
    parts.source.value = String(now.settings.source);
    parts.size.value = `${now.settings.width}x${now.settings.height}`;
    parts.rate.value = String(now.settings.fps);
    parts.virtual.checked = now.settings.virtual;
  },
});
const camera = () => (mode === "host" ? host : browser);

function showOffers() {
  if (mode === "host") {
    if (!hostOffers) return;
    fill(parts.source, hostOffers.sources.map(({ source, name }) => [String(source), name]));
    fill(parts.size, hostOffers.sizes.map(({ width, height }) => [`${width}x${height}`, `${width} × ${height}`]), "1280x720");
    fill(parts.rate, hostOffers.rates.map((rate) => [String(rate), String(rate)]), "30");
    parts.record.title = `Into ${hostOffers.recordings}`;
  } else {
    fill(parts.source, browserSources.length > 0 ? browserSources : [["", "The browser's first choice"]]);
    fill(parts.size, BROWSER_SIZES.map(([width, height]) => [`${width}x${height}`, `${width} × ${height}`]), "1280x720");
  }
}

function setMode(chosen) {
  browser.stop();
  host.close();
  mode = chosen;
  root.dataset.mode = chosen;
  root.querySelector(`input[name=live-mode][value=${chosen}]`).checked = true;
  line("");
  state("stopped");
  figures.show([]);
  setBypass(false);
  showOffers();
  if (chosen === "host") host.open();
}

function setStrength(value) {
  settings.strength = value;
  parts.strength.value = String(Math.round(100 * value));
  find("strength-value").textContent = `${Math.round(100 * value)} %`;
}

function setBypass(value) {
  settings.bypass = value;
  parts.bypass.setAttribute("aria-pressed", String(value));
}

function toggleBypass() {
  touchedAt = performance.now();
  setBypass(!settings.bypass);
  camera().changed("bypass");
}

parts.start.addEventListener("click", () => (camera().running() ? camera().stop() : camera().start()));
parts.bypass.addEventListener("click", toggleBypass);
parts.record.addEventListener("click", () => host.record());
parts.strength.addEventListener("input", () => {
  touchedAt = performance.now();
  setStrength(Number(parts.strength.value) / 100);
  camera().changed("strength");
});
parts.student.addEventListener("change", () => {
  touchedAt = performance.now();
  settings.student = parts.student.value;
  camera().changed("student");
});
for (const select of [parts.source, parts.size]) {
  select.addEventListener("change", () => {
    const { width, height } = settings.host();
    if (mode === "browser") browser.choose(parts.source.value, { width, height });
  });
}
for (const control of [parts.source, parts.size, parts.rate, parts.virtual]) {
  control.addEventListener("change", () => {
    touchedAt = performance.now();
    if (mode === "host" && host.running()) host.start(); // the camera has to be opened anew
  });
}
for (const choice of root.querySelectorAll("input[name=live-mode]")) {
  choice.addEventListener("change", () => choice.checked && setMode(choice.value));
}
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=range]):not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable=true]");
  if (event.key.toLowerCase() !== "b" || event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing || !view.visible()) return;
  event.preventDefault();
  toggleBypass();
});
window.addEventListener("pagehide", () => {
  browser.stop();
  host.close();
});

fill(parts.student, props.students.map(({ name, words }) => [name, words]), props.student);
setMode("browser");
find("here").href = socketAddress("here/").replace(/^ws/, "http");
fetch(socketAddress("live/access").replace(/^ws/, "http"))
  .then((answered) => answered.json())
  .then((access) => {
    root.classList.toggle("with-host", access.host === true);
    if (access.host !== true || browser.running()) return;
    setMode("host");
  })
  .catch(() => {}); // without an answer the browser's own camera is offered alone
