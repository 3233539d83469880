// The page's side of the worker: starts one for each way to compute, keeps the faster, and has one job under way.
import { Problem } from "./problem.js";

const WAYS = { wasm: "WASM", webgpu: "WebGPU" };

// One worker: ask(message, transfer, progress) gives its answer; one question at a time.
class Way {
  #worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  #waiting = null; // { resolve, reject, progress }

  constructor(backend) {
    this.backend = backend;
    this.#worker.onmessage = ({ data }) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#waiting?.reject(new Problem(`The page's worker could not start (${event.message || "a file is missing"}). Reload the page.`));
    };
  }

  async start(student, precision) {
    const { ms, threads } = await this.ask({ type: "start", backend: this.backend, student, precision });
    Object.assign(this, { ms, words: `${WAYS[this.backend]}${this.backend === "wasm" ? `, ${threads} thread${threads > 1 ? "s" : ""}` : ""}` });
    return this;
  }

  ask(message, transfer = [], progress = () => {}) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject, progress };
      this.#worker.postMessage(message, transfer);
    });
  }

  close() {
    this.#worker.terminate();
  }

  #hear(data) {
    if (data.type === "progress") return this.#waiting?.progress(data.share);
    const waiting = this.#waiting;
    this.#waiting = null;
    if (data.type === "failed") return waiting?.reject(new Problem(data.message));
    return waiting?.resolve(data);
  }
}

// onChange(way) is told which way to compute is used from now on: { backend, words, ms }.
export class Engine {
  #way = null;
  #next = null; // a faster way that waits for the job under way to end
  #started = null;
  #job = null;
  #closed = false;

  // only: "wasm", "webgpu" or "" for the faster; precision: "" for the best of each way. Resolves when it can be used.
  start(options) {
    this.#started = this.#start(options);
    return this.#started;
  }

  // The worker's "result" for a picture, a frame or another strength; one at a time.
  async sharpen(message, transfer, progress) {
    await this.#started;
    this.#job = this.#way.ask(message, transfer, progress);
    try {
      return await this.#job;
    } finally {
      this.#job = null;
      this.#next?.();
    }
  }

  // End it when the job under way has ended.
  async close() {
    this.#closed = true;
    await this.#job?.catch(() => {}); // who asked for it hears of it
    this.#way?.close();
  }

  async #start({ student, only, precision, onChange }) {
    if (only !== "webgpu") this.#take(await open("wasm", student, precision), onChange);
    if (only === "wasm") return;
    if (!(await hasGpu(only === "webgpu"))) {
      if (only === "webgpu") throw new Problem("This browser offers no WebGPU. Choose WASM, or switch WebGPU on.");
      return;
    }
    // the page works already; the measurement takes no longer than it takes to choose a picture
    const gpu = open("webgpu", student, precision).then((way) => {
      if (this.#way && way.ms >= this.#way.ms) return way.close();
      return this.#take(way, onChange);
    });
    if (only === "webgpu") await gpu;
    else gpu.catch((error) => console.info(`WebGPU is left out: ${error.message}`));
  }

  #take(way, onChange) {
    const swap = () => {
      if (this.#closed) return way.close();
      this.#way?.close();
      this.#way = way;
      this.#next = null;
      return onChange(way);
    };
    if (this.#job) this.#next = swap;
    else swap();
  }
}

async function open(backend, student, precision) {
  const way = new Way(backend);
  try {
    return await way.start(student, precision);
  } catch (error) {
    way.close();
    throw error;
  }
}

// A WebGPU that is computed by the processor is no gain; whoever asks for it gets it.
async function hasGpu(anyKind) {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && (anyKind || !adapter.info?.isFallbackAdapter);
}
