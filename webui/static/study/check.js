// The screen check: size, zoom, distance, colour plates and brightness; a look, not an examination.
import { element } from "./dom.js";
import { S, words } from "./strings.js";

const SIDE = 150; // CSS pixels of a plate
const COMMON_DENSITIES = [1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.625, 2.75, 3, 3.5, 4];
const BARS = 10;

export function screenCheck(state, onDone) {
  const [height, width] = state.largest;
  const needed = () => [
    Math.ceil((state.method === "acr" ? width : 2 * width + 12) / devicePixelRatio), Math.ceil(height / devicePixelRatio),
  ];
  const size = element("p", { class: "size" });
  const tell = () => {
    const [wide, high] = needed();
    const enough = innerWidth >= wide && innerHeight >= high;
    const values = { width: innerWidth, height: innerHeight, needed: `${wide} × ${high}` };
    size.textContent = words(S.check.size + (enough ? S.check.sizeGood : S.check.sizeSmall), values);
    size.classList.toggle("warning", !enough);
    zoom.textContent = S.check.zoom + (COMMON_DENSITIES.includes(Math.round(devicePixelRatio * 1000) / 1000) ? "" : S.check.zoomOdd);
  };
  const zoom = element("p");
  const inputs = state.plates.map((_number, place) => element("input", {
    type: "text", inputmode: "numeric", maxlength: 2, autocomplete: "off", "aria-label": words(S.check.plate, { n: place + 1 }),
  }));
  const bars = element("input", {
    type: "number", min: 0, max: BARS, class: "seen", autocomplete: "off", "aria-label": S.check.bars,
  });
  window.addEventListener("resize", tell);
  tell();

  return element("form", {
    class: "check",
    onsubmit: (event) => {
      event.preventDefault();
      window.removeEventListener("resize", tell);
      onDone({
        width: innerWidth, height: innerHeight, density: devicePixelRatio, needed: needed()[0],
        bars: Math.min(Math.max(Math.round(Number(bars.value)) || 0, 0), BARS), plates: inputs.map((input) => input.value),
      });
    },
  },
  element("h1", {}, S.check.head), size, zoom, element("p", {}, S.check.distance),
  element("p", {}, S.check.plates),
  element("div", { class: "plates" }, ...state.plates.map((number, place) => element("div", {}, plate(number), inputs[place]))),
  element("p", {}, S.check.bars),
  element("div", { class: "bars" }, barStrip(), bars),
  element("button", { type: "submit", class: "next" }, S.check.go));
}

// Dots of many sizes and shades; hue alone tells the number from the ground (after the idea of Ishihara's plates).
export function plate(number) {
  const scale = 2;
  const canvas = element("canvas", { width: SIDE * scale, height: SIDE * scale, class: "plate" });
  const mask = element("canvas", { width: SIDE, height: SIDE }).getContext("2d", { willReadFrequently: true });
  Object.assign(mask, { font: "bold 88px sans-serif", textAlign: "center", textBaseline: "middle" });
  mask.fillText(String(number), SIDE / 2, SIDE / 2 + 4);
  const inside = mask.getImageData(0, 0, SIDE, SIDE).data;
  const random = sequence(number);
  const draw = canvas.getContext("2d");
  const dots = [];
  for (let tries = 0; tries < 9000; tries += 1) {
    const radius = 1.4 + 2.2 * random();
    const [x, y] = [SIDE * random(), SIDE * random()];
    if (Math.hypot(x - SIDE / 2, y - SIDE / 2) > SIDE / 2 - radius) continue;
    if (dots.some((dot) => Math.hypot(dot.x - x, dot.y - y) < dot.radius + radius + 0.3)) continue;
    dots.push({ x, y, radius });
    const digit = inside[4 * (Math.floor(y) * SIDE + Math.floor(x)) + 3] > 127;
    const hue = digit ? 8 + 22 * random() : 75 + 45 * random();
    draw.fillStyle = `hsl(${hue} ${digit ? 62 : 38}% ${42 + 24 * random()}%)`;
    draw.beginPath();
    draw.arc(x * scale, y * scale, radius * scale, 0, 2 * Math.PI);
    draw.fill();
  }
  return canvas;
}

function barStrip() { // on black, each bar 2 grey levels above the one before
  const canvas = element("canvas", { width: 30 * BARS + 10, height: 60, class: "strip" });
  const draw = canvas.getContext("2d");
  draw.fillRect(0, 0, canvas.width, canvas.height);
  for (let bar = 0; bar < BARS; bar += 1) {
    const grey = 2 * (bar + 1);
    draw.fillStyle = `rgb(${grey} ${grey} ${grey})`;
    draw.fillRect(10 + 30 * bar, 10, 20, 40);
  }
  return canvas;
}

function sequence(seed) { // the same dots for the same number (a linear congruential generator, Numerical Recipes)
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
