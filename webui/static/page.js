() => {
  // The split of the comparison with the keyboard: arrows move it, plus and minus zoom, 0 shows the whole again.
  const STEP = 0.02;

  function prepare(handle) {
    const frame = handle.closest("#compare");
    const parent = handle.parentElement;
    handle.tabIndex = 0;
    handle.setAttribute("role", "slider");
    handle.setAttribute("aria-label", "Split between before (left) and after (right)");
    handle.setAttribute("aria-orientation", "horizontal");
    handle.setAttribute("aria-valuemin", "0");
    handle.setAttribute("aria-valuemax", "100");

    const place = () => new DOMMatrixReadOnly(getComputedStyle(handle).transform).m41;
    const tell = () => {
      const width = parent.getBoundingClientRect().width || 1;
      handle.setAttribute("aria-valuenow", String(Math.round((100 * place()) / width)));
    };
    const mouse = (type, target, x) => {
      const box = parent.getBoundingClientRect();
      const at = { clientX: box.left + x, clientY: box.top + box.height / 2, bubbles: true, cancelable: true, view: window };
      target.dispatchEvent(new MouseEvent(type, at));
    };
    const moveTo = (x) => {
      const from = place();
      mouse("mousedown", handle, from);
      mouse("mousemove", window, x);
      mouse("mouseup", window, x);
      tell();
    };
    const zoom = (deltaY) => {
      const box = parent.getBoundingClientRect();
      const wheel = { deltaY, clientX: box.left + box.width / 2, clientY: box.top + box.height / 2, bubbles: true, cancelable: true };
      for (let turn = 0; turn < 4; turn += 1) parent.querySelector(".content").dispatchEvent(new WheelEvent("wheel", wheel));
    };
    new MutationObserver(tell).observe(handle, { attributes: true, attributeFilter: ["style"] });
    tell();
    handle.addEventListener("keydown", (event) => {
      const width = parent.getBoundingClientRect().width;
      const step = width * (event.shiftKey ? 5 * STEP : STEP);
      const keys = {
        ArrowLeft: () => moveTo(place() - step),
        ArrowRight: () => moveTo(place() + step),
        Home: () => moveTo(0),
        End: () => moveTo(width),
        "+": () => zoom(-1),
        "=": () => zoom(-1),
        "-": () => zoom(1),
        0: () => frame.querySelector("button[aria-label='Show the whole']")?.click(),
      };
      if (keys[event.key]) {
        event.preventDefault();
        keys[event.key]();
      }
    });
  }

  // A bar that moves while the server works; every answer changes the line below it, an error too.
  const line = document.getElementById("status");
  const change = () => line?.querySelector("[data-change]")?.dataset.change;
  let changeBefore;
  const setBusy = (busy) => {
    changeBefore = change();
    document.body.classList.toggle("busy", busy);
    line?.setAttribute("aria-busy", String(busy));
  };
  const answered = () => change() !== changeBefore && setBusy(false);
  if (line) new MutationObserver(answered).observe(line, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-change"] });
  window.whetstone = { busy: () => setBusy(true), idle: () => setBusy(false) };
  const seen = new WeakSet();
  const work = document.getElementById("work");
  function look() {
    document.body.classList.toggle("has-picture", Boolean(work) && !work.classList.contains("not-yet"));
    if (document.querySelector(".toast-body.error")) setBusy(false); // Gradio could not reach the server
    for (const handle of document.querySelectorAll("#compare [data-testid=slider]")) {
      if (!seen.has(handle)) {
        seen.add(handle);
        prepare(handle);
      }
    }
    for (const button of document.querySelectorAll("#compare .image-container button[title=Undo]")) {
      button.title = "Show the whole (0)";
      button.setAttribute("aria-label", "Show the whole");
    }
    for (const image of document.querySelectorAll("#compare img")) {
      image.alt = image.classList.contains("fixed") ? "after" : "before";
      image.loading = "eager";
    }
  }
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] });
  look();

  // An emptied strength box is 100, as the server takes it; Gradio would make it 0 when it is left.
  document.addEventListener("blur", (event) => {
    const box = event.target;
    if (box.value !== "" || !box.matches?.("#strength input[type=number]")) return;
    box.value = "100";
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }, true);

  // Gradio's list of pictures takes every key for typing: Tab left it open over what is below, letters emptied it.
  const LIST_KEYS = ["ArrowUp", "ArrowDown", "Home", "End", "Enter", "Escape"];
  document.addEventListener("keydown", (event) => {
    if (event.target.matches?.("#chooser input") && !LIST_KEYS.includes(event.key)) event.stopPropagation();
  }, true);

  // Gradio says the place in its line to its own progress display, which is hidden; here it is a sentence.
  for (const id of ["status", "report"]) {
    const part = document.getElementById(id);
    if (!part) continue;
    part.setAttribute("aria-live", "polite");
    const showPlace = () => {
      const told = part.querySelector("[data-testid=status-tracker]")?.textContent.match(/queue: (\d+)\/(\d+)/);
      const words = told ? `Others are before you: place ${told[1]} of ${told[2]} in line` : undefined;
      if (words === part.dataset.place) return;
      if (words) part.dataset.place = words;
      else delete part.dataset.place;
    };
    new MutationObserver(showPlace).observe(part, { childList: true, subtree: true, characterData: true });
  }

  // To a visitor from another machine "this machine" is the server, and the dashboard answers on this machine alone.
  if (!["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)) {
    document.getElementById("dashboard-link")?.remove();
    const where = document.getElementById("where");
    if (where) where.textContent = where.dataset.elsewhere;
  }

  document.documentElement.lang = "en";
}
