// One student in a session of ONNX Runtime: measures a degradation, mixes its experts for it, and computes residuals.
import { stepped } from "./degradation.js";
import { fetchFile } from "./problem.js";
import { REACH, lumaOf } from "./pixels.js";

const WHOLE_PIXELS = 4_000_000; // a larger picture is cut into tiles (engine/sharpener.py)
const TILE = 1024; // pixels, side; a multiple of every stride

export class Student {
  #ort;
  #facts;
  #options;
  #plain; // { file, zero, places } of the precision
  #bytes; // of the plain student's file, whose constants are exchanged
  #estimator;
  #mixer;
  #session = null;
  #step = null;

  // facts: of students.json; provider: of ONNX Runtime; precision: "float32" or "int8".
  static async open(ort, facts, provider, precision) {
    const student = new Student();
    const load = async (name) => {
      const address = new URL(`./models/${name}`, import.meta.url);
      return new Uint8Array(await (await fetchFile(address, facts.integrity[name], "Write the page anew.")).arrayBuffer());
    };
    student.#ort = ort;
    student.#facts = facts;
    student.#options = { executionProviders: [provider], logSeverityLevel: 3 };
    student.#plain = facts.plain[precision];
    student.precision = precision;
    student.#bytes = await load(student.#plain.file);
    const onProcessor = { ...student.#options, executionProviders: ["wasm"] }; // too small to be worth a GPU
    student.#estimator = await ort.InferenceSession.create(await load(facts.estimator), onProcessor);
    student.#mixer = await ort.InferenceSession.create(await load(facts.mixer), onProcessor);
    return student;
  }

  // What is wrong with a tile of luma: four numbers.
  measureTile = async ({ levels, width, height }) => {
    const pixels = new this.#ort.Tensor("uint8", levels, [1, height, width, 1]);
    return Array.from((await this.#estimator.run({ pixels })).measured.data);
  };

  // Make the student for a degradation ready: mix the experts, put the sums into the file, start a session of it.
  async become(vector) {
    const step = stepped(vector);
    if (this.#step?.join() === step.join()) return;
    const degradation = new this.#ort.Tensor("float32", Float32Array.from(step), [1, 4]);
    const mixed = await this.#mixer.run({ degradation });
    for (const [name, [offset, length]] of Object.entries(this.#plain.places)) {
      const { buffer, byteOffset, byteLength } = mixed[`${this.precision}/${name}`].data;
      if (byteLength !== length) throw new Error(`${name} has ${byteLength} bytes, its place ${length}`);
      this.#bytes.set(new Uint8Array(buffer, byteOffset, byteLength), offset);
    }
    await this.#session?.release();
    this.#session = await this.#ort.InferenceSession.create(this.#bytes, this.#options);
    this.#step = step;
  }

  // What to add to a picture at strength 1: { data, width, zero }. progress(share done) is called between tiles.
  async residual(rgba, width, height, progress = () => {}) {
    const { stride, reach } = this.#facts;
    if (width * height <= WHOLE_PIXELS) return this.#run(lumaOf(rgba, width, { left: 0, top: 0, width, height }, stride));
    const margin = reach + Math.ceil(REACH / stride) * stride;
    const data = new (this.precision === "int8" ? Uint8Array : Float32Array)(width * height);
    for (let top = 0; top < height; top += TILE) {
      for (let left = 0; left < width; left += TILE) {
        const outer = { left: Math.max(0, left - margin), top: Math.max(0, top - margin) };
        outer.width = Math.min(width, left + TILE + margin) - outer.left;
        outer.height = Math.min(height, top + TILE + margin) - outer.top;
        const part = await this.#run(lumaOf(rgba, width, outer, stride));
        const columns = Math.min(TILE, width - left);
        for (let y = top; y < Math.min(height, top + TILE); y += 1) {
          const from = (y - outer.top) * part.width + left - outer.left;
          data.set(part.data.subarray(from, from + columns), y * width + left);
        }
        progress((top * width + Math.min(height - top, TILE) * (left + columns)) / (width * height));
      }
    }
    return { data, width, zero: this.#plain.zero };
  }

  async #run({ levels, width, height }) {
    const pixels = new this.#ort.Tensor("uint8", levels, [1, height, width, 1]);
    const { residual } = await this.#session.run({ pixels });
    return { data: residual.data, width, zero: this.#plain.zero };
  }

  async close() {
    for (const session of [this.#session, this.#mixer, this.#estimator]) await session?.release();
  }
}
