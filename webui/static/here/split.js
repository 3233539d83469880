// The split picture: two canvases, one over the other, cut at a divider that moves by mouse, touch and keyboard.
const STEP = 0.02; // of the width, for one press of an arrow key

// root: holds .input, .result (canvases) and .divider. Returns what shows pictures in it.
export function splitView(root) {
  const [input, result, divider] = [".input", ".result", ".divider"].map((name) => root.querySelector(name));
  const pens = [input, result].map((canvas) => canvas.getContext("2d"));
  let share = 0.5;

  function moveTo(value) {
    share = Math.min(1, Math.max(0, value));
    root.style.setProperty("--split", `${100 * share}%`);
    divider.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  }

  function follow(event) {
    const box = root.getBoundingClientRect();
    if (box.width > 0) moveTo((event.clientX - box.left) / box.width);
  }

  root.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || root.dataset.state !== "split") return;
    event.preventDefault();
    root.setPointerCapture(event.pointerId);
    divider.focus({ preventScroll: true });
    follow(event);
  });
  root.addEventListener("pointermove", (event) => root.hasPointerCapture(event.pointerId) && follow(event));
  divider.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 5 * STEP : STEP;
    const places = { ArrowLeft: share - step, ArrowDown: share - step, ArrowRight: share + step, ArrowUp: share + step, Home: 0, End: 1 };
    if (!(event.key in places)) return;
    event.preventDefault();
    moveTo(places[event.key]);
  });
  moveTo(share);

  function fit(width, height) {
    for (const canvas of [input, result]) {
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    }
    root.style.setProperty("--ratio", String(width / height));
  }

  return {
    canvas: result, // holds the sharp picture alone: what is downloaded, and sent in a call
    // picture: what drawImage takes; sharp: { sharp, width, height } of the worker
    show(picture, { sharp, width, height }) {
      fit(width, height);
      for (const pen of pens) pen.clearRect(0, 0, width, height);
      pens[0].drawImage(picture, 0, 0);
      pens[1].putImageData(new ImageData(sharp, width, height), 0, 0);
      root.dataset.state = "split";
    },
    // the picture as it came, on both sides of the divider
    showUntouched(picture, width, height) {
      fit(width, height);
      for (const pen of pens) {
        pen.clearRect(0, 0, width, height);
        pen.drawImage(picture, 0, 0, width, height);
      }
      root.dataset.state = "untouched";
    },
    // Draw the result over itself, so that a stream of the canvas has a new frame.
    again() {
      pens[1].globalCompositeOperation = "copy";
      pens[1].drawImage(result, 0, 0);
      pens[1].globalCompositeOperation = "source-over";
    },
    clear() {
      root.dataset.state = "empty";
    },
    isEmpty: () => root.dataset.state === "empty",
  };
}
