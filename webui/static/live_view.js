// The split picture: before on the left of the divider, after on the right; it moves by mouse, touch and keyboard.
function splitView(root) {
  const frame = root.querySelector(".live-picture");
  const canvas = root.querySelector(".live-canvas");
  const handle = root.querySelector(".live-split");
  const tag = root.querySelector(".live-before");
  const pen = canvas.getContext("2d", { alpha: false });
  const STEP = 0.02;
  let share = 0.5;
  let before = null; // what drawImage takes: a canvas or an ImageBitmap; they belong to whoever shows them
  let after = null;

  function draw() {
    const whole = after || before;
    if (!whole) return;
    const { width, height } = whole;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
      frame.style.setProperty("--live-ratio", String(width / height));
    }
    pen.drawImage(whole, 0, 0);
    const left = Math.round(share * width);
    if (after && before && left > 0) pen.drawImage(before, 0, 0, left, before.height, 0, 0, left, height);
  }

  function moveTo(value) {
    share = Math.min(1, Math.max(0, value));
    frame.style.setProperty("--live-split", `${100 * share}%`);
    handle.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    draw();
  }

  function follow(event) {
    const box = canvas.getBoundingClientRect();
    if (box.width > 0) moveTo((event.clientX - box.left) / box.width);
  }

  frame.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || frame.dataset.empty === "true") return;
    event.preventDefault();
    frame.setPointerCapture(event.pointerId);
    handle.focus({ preventScroll: true });
    follow(event);
  });
  frame.addEventListener("pointermove", (event) => frame.hasPointerCapture(event.pointerId) && follow(event));
  handle.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 5 * STEP : STEP;
    const places = { ArrowLeft: share - step, ArrowDown: share - step, ArrowRight: share + step, ArrowUp: share + step, Home: 0, End: 1 };
    if (!(event.key in places)) return;
    event.preventDefault();
    moveTo(places[event.key]);
  });
  moveTo(share);

  return {
    // after: null shows the picture untouched
    show(pictureBefore, pictureAfter) {
      before = pictureBefore;
      after = pictureAfter;
      frame.dataset.empty = "false";
      frame.dataset.whole = String(!after);
      tag.textContent = after ? "Before" : "Untouched";
      draw();
    },
    clear() {
      before = after = null;
      frame.dataset.empty = "true";
    },
  };
}
