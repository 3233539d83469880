// Measures what is wrong with a stream: twice a second, smoothed, anew after a cut. As engine/stream_estimate.py.
import { NOTHING } from "./degradation.js";
import { detailedTiles, isFlat, vectorOf } from "./estimate.js";

const PERIOD_S = 0.5; // between measurements
const SMOOTHING_S = 1.5; // after that long a change is taken over to two thirds
const LEAST_CHANGE = 0.04; // of any number from what was said last: the student is made anew for no less
const TILES = 2; // of a frame that are measured
const CUT = 18; // grey levels: mean difference between the thumbnails of two frames, from a cut on
const [COLUMNS, ROWS, BLOCK] = [16, 9, 8]; // of a thumbnail, and the picked pixels in each part, a side

export class StreamEstimate {
  constructor() {
    this.reset();
  }

  // Forget the stream: the next frame is measured and believed.
  reset() {
    this.smoothed = this.said = this.thumbnail = this.measuredAt = this.seenAt = this.size = null;
  }

  // The vector to restore this frame from. atS: its time, seconds; measureTile: as in vectorOf.
  async follow(rgba, width, height, atS, measureTile) {
    const thumbnail = thumbnailOf(rgba, width, height);
    const size = `${width}x${height}`;
    if (this.thumbnail && (size !== this.size || atS < this.seenAt || difference(thumbnail, this.thumbnail) >= CUT)) this.reset();
    Object.assign(this, { thumbnail, size, seenAt: atS });
    if (this.measuredAt === null || atS - this.measuredAt >= PERIOD_S) await this.#measure(rgba, width, height, atS, measureTile);
    return this.said ?? NOTHING;
  }

  async #measure(rgba, width, height, atS, measureTile) {
    const tiles = detailedTiles(rgba, width, height, TILES);
    if (isFlat(tiles[0])) return; // a black frame between two scenes says nothing about either
    const found = await vectorOf(tiles, measureTile);
    const share = this.smoothed ? 1 - Math.exp(-(atS - this.measuredAt) / SMOOTHING_S) : 1;
    const before = this.smoothed ?? NOTHING;
    this.smoothed = found.map((number, index) => before[index] + share * (number - before[index]));
    this.measuredAt = atS;
    const changed = !this.said || this.smoothed.some((number, index) => Math.abs(number - this.said[index]) >= LEAST_CHANGE);
    if (changed) this.said = this.smoothed;
  }
}

// Mean luma of 16 x 9 parts of a frame, from one pixel in a hundred.
function thumbnailOf(rgba, width, height) {
  const means = new Float32Array(COLUMNS * ROWS);
  for (let y = 0; y < ROWS * BLOCK; y += 1) {
    for (let x = 0; x < COLUMNS * BLOCK; x += 1) {
      const [row, column] = [Math.floor((y * height) / (ROWS * BLOCK)), Math.floor((x * width) / (COLUMNS * BLOCK))];
      const at = 4 * (row * width + column);
      const luma = 0.299 * rgba[at] + 0.587 * rgba[at + 1] + 0.114 * rgba[at + 2];
      means[Math.floor(y / BLOCK) * COLUMNS + Math.floor(x / BLOCK)] += luma / BLOCK ** 2;
    }
  }
  return means;
}

const difference = (one, other) => one.reduce((sum, value, index) => sum + Math.abs(value - other[index]), 0) / one.length;
