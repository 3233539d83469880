// This machine's camera: clicks go to the session that runs there, state comes twice a second, pictures when asked for.
function hostCamera(view, settings, on) {
  const PICTURES_EVERY_MS = 100; // a look at the call, independent of its own rate
  const AGAIN_MS = 2000;
  let socket = null;
  let wanted = false; // this camera is the one on the page
  let state = null;
  let asked = false;
  let shown = [];
  let trouble = "";
  let pausing = 0;

  function open() {
    wanted = true;
    if (socket) return;
    const mine = new WebSocket(socketAddress("live/host"));
    mine.binaryType = "arraybuffer";
    socket = mine;
    mine.addEventListener("message", ({ data }) => {
      if (socket !== mine) return;
      if (typeof data === "string") hear(JSON.parse(data));
      else show(data);
    });
    mine.addEventListener("close", () => {
      if (socket !== mine) return;
      socket = null;
      asked = false;
      if (!wanted) return;
      on.line(trouble || "The connection to Whetstone was lost; the call may still run. Trying again.", true);
      on.state("stopped");
      setTimeout(() => wanted && open(), AGAIN_MS);
    });
  }

  function close() {
    wanted = false;
    clearTimeout(pausing);
    socket?.close();
    socket = null;
    asked = false;
    forget();
  }

  function forget() {
    view.clear();
    shown.forEach((picture) => picture.close());
    shown = [];
  }

  function say(message) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  function hear(message) {
    if (message.type === "offers") return on.offers(message);
    if (message.type === "refused" || message.type === "trouble") {
      trouble = sentence(message.message);
      on.line(trouble, true);
      return undefined;
    }
    if (message.type !== "state") return undefined;
    state = message;
    on.session(state);
    const running = state.running;
    on.state(state.state === "starting" ? "starting" : running ? "running" : "stopped");
    if (state.state === "starting") return undefined;
    on.figures([...(running ? figures() : []), ["recording saved as", state.saved]]);
    if (running) trouble = "";
    const bad = ["failed", "waiting", "stalled"].includes(state.state) || state.sink_lost;
    const told = running || ["failed", "ended"].includes(state.state) ? state.message : ""; // of this run, not of an earlier one
    const lines = [state.trouble, told === state.trouble ? "" : told].filter(Boolean).map(sentence); // what stays, then news
    on.line(trouble || lines.join(" "), Boolean(trouble || state.trouble) || bad);
    if (running) ask();
    else if (shown.length > 0) forget();
    return undefined;
  }

  const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

  function ask() {
    if (asked || !wanted || document.hidden || !view.visible()) return;
    asked = true;
    say({ type: "preview" });
  }

  async function show(data) {
    const split = new DataView(data).getUint32(4);
    const parts = [new Uint8Array(data, 8, split), new Uint8Array(data, 8 + split)];
    const pictures = await Promise.all(parts.map((part) => createImageBitmap(new Blob([part], { type: "image/jpeg" }))));
    asked = false;
    if (!wanted || !state?.running) return pictures.forEach((picture) => picture.close());
    const old = shown;
    shown = pictures;
    view.show(pictures[0], state.bypass ? null : pictures[1]);
    old.forEach((picture) => picture.close());
    clearTimeout(pausing);
    pausing = setTimeout(() => state?.running && ask(), PICTURES_EVERY_MS);
    return undefined;
  }

  function figures() {
    const words = state.student === state.chosen_student ? state.student : `${state.student} (to hold the rate)`;
    const student = words + (state.half_rate ? ", every second frame" : "");
    return [
      ["fps in", oneDecimal(state.fps_in)],
      ["fps out", oneDecimal(state.fps_out)],
      ["latency p50", inMs(state.latency_p50_ms)],
      ["p95", inMs(state.latency_p95_ms)],
      ["work", state.work_ms === null ? null : `${inMs(state.work_ms)} of ${inMs(state.available_ms)}`],
      ["dropped", String(state.dropped)],
      ["student", state.bypass ? "bypassed" : student],
      ["size", state.width ? `${state.width} × ${state.height}` : null],
      ["output", state.settings.virtual && !state.sink_lost && state.output !== "nowhere" ? state.output : "this preview alone"],
      ["measured", state.measured],
      ["recording", state.recording],
    ];
  }

  return {
    open,
    close,
    start() {
      trouble = "";
      on.state("starting");
      on.line("Opening the camera ...");
      say({ type: "start", ...settings.host(), strength: settings.strength, student: settings.student, bypass: settings.bypass });
    },
    stop: () => say({ type: "stop" }),
    changed: (what) => {
      if (!state?.running) return;
      say({ type: what, value: settings[what] });
    },
    record: () => say({ type: "record", value: !state?.recording }),
    running: () => Boolean(state?.running),
  };
}
