// The page's worker: everything that takes time. It answers one message after the other; the page sends no second frame
// before the first came back.
//   { type: "start", backend, precision, student }      -> "ready" { threads, ms }: of one 640x480 frame
//   { type: "picture" | "frame", bitmap, student, strength, atS } -> "progress" { share }, "result", the bitmap comes back
//   { type: "strength", strength }                      -> "result": the last picture with another strength
import { wordsOf } from "./degradation.js";
import { PICTURE_TILES, detailedTiles, vectorOf } from "./estimate.js";
import { addResidual } from "./pixels.js";
import { Problem, fetchFile } from "./problem.js";
import { loadRuntime } from "./runtime.js";
import { StreamEstimate } from "./stream.js";
import { Student } from "./student.js";

const TYPICAL = [0.56, 0.23, 0.37, 0.5]; // about the mean picture, for the measurement at the start
let ort, backend, precisions, facts;
let student, studentName;
let last = null; // the picture whose strength may change: { pixels, width, height, residual, words }
let pen = null;
let stream = new StreamEstimate();

const answer = (message, transfer = []) => self.postMessage(message, transfer);

async function start({ backend: chosen, precision, student: name }) {
  backend = chosen;
  const students = await (await fetchFile(new URL("./models/students.json", import.meta.url), null, "Write the page anew.")).json();
  facts = Object.fromEntries(students.students.map((one) => [one.name, one]));
  // whole numbers are twice as fast on a processor; a GPU computes with floats
  precisions = precision ? [precision] : backend === "wasm" ? ["int8", "float32"] : ["float32"];
  const runtime = await loadRuntime(backend);
  ort = runtime.ort;
  await use(name);
  await student.become(TYPICAL);
  const [width, height] = [640, 480];
  const grey = new Uint8ClampedArray(4 * width * height).fill(128);
  const times = [];
  for (let round = 0; round < 4; round += 1) {
    const startedAt = performance.now();
    await student.residual(grey, width, height);
    times.push(performance.now() - startedAt);
  }
  answer({ type: "ready", threads: runtime.threads, ms: Math.min(...times.slice(1)) }); // the first one allocates
}

async function use(name) {
  if (studentName === name) return;
  const next = await Student.open(ort, facts[name], backend, precisions.find((one) => one in facts[name].plain));
  await student?.close();
  [student, studentName, last, stream] = [next, name, null, new StreamEstimate()];
}

// The pixels of a bitmap: RGBA bytes of the page's canvases.
function read(bitmap) {
  const { width, height } = bitmap;
  if (pen?.canvas.width !== width || pen?.canvas.height !== height) {
    pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  }
  if (!pen) throw new Problem(`A picture of ${width} x ${height} is too large for this browser's memory.`);
  pen.clearRect(0, 0, width, height);
  pen.drawImage(bitmap, 0, 0);
  return pen.getImageData(0, 0, width, height).data;
}

async function sharpen({ type, bitmap, student: name, strength, atS }) {
  const startedAt = performance.now();
  const { width, height } = bitmap;
  await use(name);
  const pixels = read(bitmap);
  const measure = student.measureTile;
  const vector =
    type === "frame"
      ? await stream.follow(pixels, width, height, atS, measure)
      : await vectorOf(detailedTiles(pixels, width, height, PICTURE_TILES), measure);
  await student.become(vector);
  const progress = (share) => answer({ type: "progress", share });
  const residual = strength > 0 || type === "picture" ? await student.residual(pixels, width, height, progress) : null;
  const found = { pixels, width, height, residual, words: wordsOf(vector) };
  last = type === "picture" ? found : null;
  send(found, strength, startedAt, bitmap);
}

function send({ pixels, width, height, residual, words }, strength, startedAt, bitmap = null) {
  const sharp = new Uint8ClampedArray(pixels.length);
  if (strength > 0) addResidual(pixels, sharp, width, height, residual, strength);
  else sharp.set(pixels); // the input, bit for bit
  const facts = { precision: student.precision, words, ms: performance.now() - startedAt };
  answer({ type: "result", sharp, width, height, bitmap, ...facts }, [sharp.buffer, ...(bitmap ? [bitmap] : [])]);
}

const ACTIONS = {
  start,
  picture: sharpen,
  frame: sharpen,
  strength({ strength }) {
    if (!last) throw new Error("there is no picture whose strength could change");
    send(last, strength, performance.now());
  },
};
let work = Promise.resolve();
self.onmessage = ({ data }) => {
  work = work.then(async () => {
    try {
      await ACTIONS[data.type](data);
    } catch (error) {
      answer({ type: "failed", message: error instanceof Problem ? error.message : `The student failed: ${error.message ?? error}` });
    }
  });
};
