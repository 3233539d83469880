// What is wrong with a picture: four numbers, as a student's mixer takes them. As engine/degradation.py.

const STEP = 0.01; // students are made for steps of the vector this far apart (engine/compiled.py)
const HIGHEST = [8 / 2.5, Math.log1p(64) / 3, Math.log1p(64) / 3, 7 / 2]; // blur 8, noise 64, compression 64, enlarged 8 x
export const NOTHING = [0, 0, 0, 0];

// The vector of the nearest step, inside what students know.
export function stepped(vector) {
  return vector.map((number, index) => {
    const clipped = Math.min(Math.max(number, 0), HIGHEST[index]);
    return Math.min(Math.round(clipped / STEP) * STEP, HIGHEST[index]);
  });
}

// For people: "blur 1.7 px, noise 2, compression 3, enlarged 2x".
export function wordsOf(vector) {
  const [blur, noise, compression, upscaling] = vector.map((number, index) => Math.min(Math.max(number, 0), HIGHEST[index]));
  const times = (1 + 2 * upscaling).toFixed(1).replace(/\.0$/, "");
  const words = [`blur ${(2.5 * blur).toFixed(1)} px`, `noise ${Math.expm1(3 * noise).toFixed(0)}`, `compression ${Math.expm1(3 * compression).toFixed(0)}`];
  return [...words, ...(2 * upscaling >= 0.05 ? [`enlarged ${times}x`] : [])].join(", ");
}
