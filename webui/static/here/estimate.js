// Which parts of a picture are measured, and how their numbers are weighted. As engine/estimate.py.
import { lumaOf } from "./pixels.js";

const TILE = 256; // pixels, side
const LEAST_SIDE = 16; // pixels; a smaller picture is continued by its edge
const LEAST_GRADIENT = 0.25; // grey levels; below it there is nothing to measure blur on
export const PICTURE_TILES = 9;

// The `count` squares with the most gradient energy, best first: [{ levels, width, height, energy }, ...].
export function detailedTiles(rgba, width, height, count) {
  const tiles = [];
  for (const top of starts(height)) {
    for (const left of starts(width)) {
      const box = { left, top, width: Math.min(TILE, width), height: Math.min(TILE, height) };
      const tile = lumaOf(rgba, width, box);
      tiles.push({ ...tile, energy: gradientEnergy(tile) });
    }
  }
  return tiles.sort((a, b) => b.energy - a.energy).slice(0, count);
}

export const isFlat = (tile) => tile.energy < LEAST_GRADIENT ** 2;

// measureTile({ levels, width, height }) gives the estimator's numbers for one tile. A flat picture has nothing wrong.
export async function vectorOf(tiles, measureTile) {
  const total = [0, 0, 0, 0];
  let energy = 0;
  for (const tile of tiles.filter((one) => !isFlat(one))) {
    const numbers = await measureTile(continued(tile));
    numbers.forEach((number, index) => (total[index] += tile.energy * number));
    energy += tile.energy;
  }
  return total.map((sum) => sum / Math.max(energy, 1e-9));
}

// Where tiles start along a side, evenly spread from end to end, at multiples of 8: the places of coders' blocks.
function starts(length) {
  if (length <= TILE) return [0];
  const count = Math.max(3, Math.floor(length / TILE));
  const places = Array.from({ length: count }, (_, index) => Math.floor((index * (length - TILE)) / (count - 1)));
  return [...new Set(places.map((place) => Math.floor(place / 8) * 8))];
}

// Mean square of the differences between neighbours, across and down together.
function gradientEnergy({ levels, width, height }) {
  let [across, down] = [0, 0];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * width + x;
      if (x > 0) across += (levels[at] - levels[at - 1]) ** 2;
      if (y > 0) down += (levels[at] - levels[at - width]) ** 2;
    }
  }
  return across / Math.max(1, (width - 1) * height) + down / Math.max(1, width * (height - 1));
}

function continued(tile) {
  const width = Math.max(tile.width, LEAST_SIDE);
  const height = Math.max(tile.height, LEAST_SIDE);
  if (width === tile.width && height === tile.height) return tile;
  const levels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      levels[y * width + x] = tile.levels[Math.min(y, tile.height - 1) * tile.width + Math.min(x, tile.width - 1)];
    }
  }
  return { levels, width, height };
}
