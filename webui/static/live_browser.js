// The browser's own camera: each frame goes to the server as JPEG and comes back sharp; one is under way, the newest wins.
// A message holds four bytes with the frame's number before the JPEG; an answer four more, with the server's times.
const ENCODER = `
let canvas, pen;
onmessage = async ({ data: { frame, quality } }) => {
  if (!canvas || canvas.width !== frame.width || canvas.height !== frame.height) {
    canvas = new OffscreenCanvas(frame.width, frame.height);
    pen = canvas.getContext("2d", { alpha: false });
  }
  pen.drawImage(frame, 0, 0);
  frame.close();
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
  const jpeg = await blob.arrayBuffer();
  postMessage(jpeg, [jpeg]);
};`;

const CAMERA_WORDS = {
  NotAllowedError: "The camera was not allowed. Allow it for this page (the camera sign in the address bar), then press Start.",
  NotFoundError: "No camera was found. Plug one in, then press Start.",
  NotReadableError: "The camera is busy: another program uses it. Close that program, then press Start.",
  OverconstrainedError: "This camera is gone or does not have that size. Choose another, then press Start.",
  SecurityError: "This browser does not let the page use a camera.",
  AbortError: "The camera could not be opened. Unplug it and plug it in again, then press Start.",
};
const INSECURE = "Browsers open a camera on https:// or http://localhost only. Open this page by such an address.";

// on: { line(text, isBad), state("stopped" | "starting" | "running"), offers({ sources }), figures(rows) }
function browserCamera(view, settings, on) {
  const QUALITY = 0.85;
  const AWAKE_MS = 10000;
  const times = recentTimes();
  let run = null; // everything of one Start; a later Start or Stop replaces it
  let source = "";
  let size = { width: 1280, height: 720 };

  async function start() {
    stop();
    if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) return on.line(INSECURE, true);
    const mine = { frames: 0, sent: 0, lastSent: 0, dropped: 0, inFlight: null, measured: "", student: "", timers: [] };
    run = mine;
    on.state("starting");
    on.line("Waiting for the camera: the browser may ask for it.");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: {
          width: { ideal: size.width },
          height: { ideal: size.height },
          frameRate: { ideal: 30 },
          ...(source ? { deviceId: { exact: source } } : { facingMode: "user" }),
        },
      });
    } catch (error) {
      if (run !== mine) return undefined;
      stop();
      return on.line(CAMERA_WORDS[error.name] || `The camera could not be opened (${error.message || error.name}).`, true);
    }
    if (run !== mine) return stream.getTracks().forEach((track) => track.stop());
    mine.stream = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => run === mine && end("The camera was unplugged or taken away.", true));
    tellCameras(mine);
    mine.video = document.createElement("video");
    Object.assign(mine.video, { muted: true, playsInline: true, srcObject: stream });
    try {
      await mine.video.play();
    } catch (error) {
      if (run === mine) end(`The camera's picture could not be shown (${error.message}).`, true);
      return undefined;
    }
    if (run === mine) connect(mine);
    return undefined;
  }

  async function tellCameras(mine) {
    const devices = await navigator.mediaDevices.enumerateDevices();
    if (run !== mine) return;
    const used = mine.stream.getVideoTracks()[0].getSettings().deviceId;
    const cameras = devices.filter((device) => device.kind === "videoinput");
    on.offers(cameras.map((device, index) => ({ source: device.deviceId, name: device.label || `Camera ${index + 1}` })), used);
  }

  function connect(mine) {
    const socket = new WebSocket(socketAddress("live/browser"));
    socket.binaryType = "arraybuffer";
    mine.socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (run !== mine) return;
      if (typeof data === "string") hear(mine, JSON.parse(data));
      else answer(mine, data);
    });
    socket.addEventListener("close", () => {
      if (run !== mine) return;
      end(mine.refused || (mine.ready ? "The connection to the server was lost. Press Start to try again." : "The server does not answer. Is Whetstone still running, and are you logged in?"), true);
    });
  }

  function hear(mine, message) {
    if (message.type === "refused") {
      mine.refused = message.message.charAt(0).toUpperCase() + message.message.slice(1) + ".";
    } else if (message.type === "measured") {
      mine.measured = message.message;
    } else if (message.type === "ready") {
      Object.assign(mine, { ready: true, maxPixels: message.max_pixels, pen: null, canvases: [document.createElement("canvas"), document.createElement("canvas")] });
      if (window.OffscreenCanvas && window.createImageBitmap) {
        mine.encoder = new Worker(URL.createObjectURL(new Blob([ENCODER], { type: "text/javascript" })));
        mine.encoder.onmessage = ({ data }) => send(mine, data);
      }
      tell();
      times.start();
      on.state("running");
      on.line("");
      const look = (_now, facts) => {
        if (run !== mine) return;
        mine.frames = facts ? facts.presentedFrames : mine.frames + 1;
        next(mine);
        if (mine.video.requestVideoFrameCallback) mine.video.requestVideoFrameCallback(look);
        else requestAnimationFrame(() => look());
      };
      look();
      mine.timers.push(setInterval(() => on.figures(figures(mine)), 500));
      // a place on the server is kept for who looks: a picture that is bypassed counts, a hidden page does not
      mine.timers.push(setInterval(() => settings.bypass && visible(mine) && mine.socket.send('{"type":"here"}'), AWAKE_MS));
    }
  }

  const visible = (mine) => !document.hidden && view.visible() && mine.socket.readyState === WebSocket.OPEN;

  // Draw the camera's newest picture into the free canvas; the other one may be on the screen.
  function grab(mine) {
    const { videoWidth, videoHeight } = mine.video;
    if (!videoWidth) return null;
    const scale = Math.min(1, Math.sqrt(mine.maxPixels / (videoWidth * videoHeight)));
    const canvas = mine.canvases[0];
    const [width, height] = [Math.floor(videoWidth * scale), Math.floor(videoHeight * scale)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.getContext("2d", { alpha: false }).drawImage(mine.video, 0, 0, width, height);
    mine.size = `${width} × ${height}`;
    return canvas;
  }

  async function next(mine) {
    if (!visible(mine)) mine.lastSent = mine.frames; // what nobody sees is not dropped
    if (mine.inFlight || mine.frames === mine.lastSent) return;
    const canvas = grab(mine);
    if (!canvas) return;
    if (settings.bypass) {
      view.show(canvas, null);
      mine.canvases.reverse();
      mine.lastSent = mine.frames;
      return;
    }
    if (mine.lastSent > 0) mine.dropped += Math.max(0, mine.frames - mine.lastSent - 1);
    mine.lastSent = mine.frames;
    mine.inFlight = { number: mine.frames >>> 0, takenAt: performance.now(), canvas };
    if (mine.encoder) {
      const frame = await createImageBitmap(canvas);
      if (run === mine) mine.encoder.postMessage({ frame, quality: QUALITY }, [frame]);
    } else {
      canvas.toBlob(async (blob) => run === mine && send(mine, await blob.arrayBuffer()), "image/jpeg", QUALITY);
    }
  }

  function send(mine, jpeg) {
    if (run !== mine || mine.socket.readyState !== WebSocket.OPEN) return;
    const message = new Uint8Array(4 + jpeg.byteLength);
    new DataView(message.buffer).setUint32(0, mine.inFlight.number);
    message.set(new Uint8Array(jpeg), 4);
    mine.socket.send(message);
  }

  async function answer(mine, data) {
    const facts = new DataView(data);
    const number = facts.getUint32(0);
    const picture = await createImageBitmap(new Blob([new Uint8Array(data, 8)], { type: "image/jpeg" }));
    if (run !== mine || mine.inFlight?.number !== number) return picture.close();
    const { canvas, takenAt } = mine.inFlight;
    if (!settings.bypass) {
      view.show(canvas, picture);
      mine.canvases.reverse();
      mine.after?.close();
      mine.after = picture;
    }
    times.add(performance.now() - takenAt);
    mine.sent += 1;
    mine.server = (facts.getUint16(4) + facts.getUint16(6)) / 10;
    mine.inFlight = null;
    return next(mine);
  }

  function figures(mine) {
    return [
      ["fps", oneDecimal(settings.bypass ? null : times.perSecond())],
      ["round trip p50", inMs(times.percentile(50))],
      ["p95", inMs(times.percentile(95))],
      ["server", inMs(mine.server)],
      ["dropped", String(mine.dropped)],
      ["student", settings.bypass ? "bypassed" : settings.studentWords()],
      ["size", mine.size],
      ["measured", mine.measured],
    ];
  }

  function tell() {
    if (!run?.ready || run.socket.readyState !== WebSocket.OPEN) return;
    run.socket.send(JSON.stringify({ type: "settings", strength: settings.strength, student: settings.student }));
    if (!settings.bypass) next(run);
  }

  function stop() {
    const mine = run;
    run = null;
    if (mine) {
      mine.timers.forEach(clearInterval);
      mine.stream?.getTracks().forEach((track) => track.stop());
      if (mine.video) mine.video.srcObject = null;
      mine.encoder?.terminate();
      mine.socket?.close();
      view.clear();
      mine.after?.close();
    }
    on.state("stopped");
    on.figures([]);
  }

  function end(text, isBad) {
    stop();
    on.line(text, isBad);
  }

  return {
    start,
    stop,
    changed: tell,
    running: () => run !== null,
    choose(newSource, newSize) {
      [source, size] = [newSource, newSize];
      if (run) start();
    },
  };
}
