// Loads ONNX Runtime Web into a worker, from where runtime.json says; every file is checked against its pinned hash.
import { Problem, fetchFile } from "./problem.js";

const PARTS = {
  wasm: ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"],
  webgpu: ["ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm"],
};
const MOST_THREADS = 4; // more gain little on nets of this size, and a phone's other cores are slow ones
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

// backend: "wasm" or "webgpu". Returns { ort, threads }; throws a Problem that says what is missing.
export async function loadRuntime(backend) {
  if (!globalThis.WebAssembly?.validate(new Uint8Array(SIMD))) {
    throw new Problem("This browser has no WebAssembly SIMD, which the students need. Update it, or use another one.");
  }
  const told = await (await fetchFile(new URL("./runtime.json", import.meta.url), null, "Write the page anew.")).json();
  if (told.missing) throw new Problem(told.missing);
  const base = new URL(told.base, import.meta.url);
  const help = "Write the page anew with `python launch.py space --static OUT`.";
  const load = (name) => fetchFile(new URL(name, base), told.files[name], help);
  const [module, loader, binary] = await Promise.all(PARTS[backend].map(load));
  const ort = await import(await asModule(module));
  const threads = globalThis.crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1) : 1;
  Object.assign(ort.env.wasm, {
    wasmPaths: { mjs: await asModule(loader) },
    wasmBinary: await binary.arrayBuffer(),
    numThreads: threads,
  });
  return { ort, threads };
}

// What was checked is what runs: the module is not fetched again.
async function asModule(answer) {
  return URL.createObjectURL(new Blob([await answer.arrayBuffer()], { type: "text/javascript" }));
}
