// Between a picture's pixels and a student's: what it sees (luma), what is added, and the halo guard above strength 1.
// As engine/pixels.py and engine/halo.py; pixels are RGBA bytes, a residual is in grey levels above its `zero`.

const OVERSHOOT = 6; // grey levels that a pixel may pass the darkest or brightest of its surroundings
const ROUNDS = 1.5 * 2 ** 52; // added and taken away it leaves a whole number, halves to the even one as in the engine
export const REACH = 2; // pixels on each side that are a pixel's surroundings

// Luma of a box of a picture, its edge repeated to multiples of `stride`: { levels, width, height }.
export function lumaOf(rgba, pictureWidth, box, stride = 1) {
  const width = Math.ceil(box.width / stride) * stride;
  const height = Math.ceil(box.height / stride) * stride;
  const levels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const row = (box.top + Math.min(y, box.height - 1)) * pictureWidth + box.left;
    for (let x = 0; x < width; x += 1) {
      const at = 4 * (row + Math.min(x, box.width - 1));
      // 0.299, 0.587, 0.114 times 2^15, as OpenCV rounds
      levels[y * width + x] = (9798 * rgba[at] + 19235 * rgba[at + 1] + 3735 * rgba[at + 2] + 16384) >> 15;
    }
  }
  return { levels, width, height };
}

// sharp = input + strength x residual, the same number for R, G and B; alpha stays.
// residual: { data, width (of its rows), zero } of the whole picture.
export function addResidual(input, sharp, width, height, residual, strength) {
  const STRIP = 128; // rows at a time: the halo guard's copies stay small
  for (let top = 0; top < height; top += STRIP) {
    const bottom = Math.min(height, top + STRIP);
    const bounds = strength > 1 ? surroundings(input, width, height, residual, top, bottom) : null;
    for (let y = top; y < bottom; y += 1) {
      for (let x = 0; x < width; x += 1) {
        let change = strength * (residual.data[y * residual.width + x] - residual.zero);
        if (bounds) {
          const place = (y - top) * width + x;
          change = Math.min(Math.max(change, bounds.least[place]), bounds.most[place]);
        }
        const level = change + ROUNDS - ROUNDS;
        const at = 4 * (y * width + x);
        sharp[at] = input[at] + level; // both are Uint8ClampedArrays
        sharp[at + 1] = input[at + 1] + level;
        sharp[at + 2] = input[at + 2] + level;
        sharp[at + 3] = input[at + 3];
      }
    }
  }
}

// How much may be added to each pixel of some rows, at least and at most.
function surroundings(input, width, height, residual, top, bottom) {
  const from = Math.max(0, top - REACH);
  const to = Math.min(height, bottom + REACH);
  const { levels } = lumaOf(input, width, { left: 0, top: from, width, height: to - from });
  const darkest = new Float32Array(levels.length); // negative: so the darkest is the largest, too
  const brightest = new Float32Array(levels.length);
  for (let y = from; y < to; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const place = (y - from) * width + x;
      const added = residual.data[y * residual.width + x] - residual.zero;
      darkest[place] = -levels[place] - Math.min(0, added);
      brightest[place] = levels[place] + Math.max(0, added);
    }
  }
  const [lows, highs] = [darkest, brightest].map((values) => largestAround(values, width, to - from));
  const skipped = (top - from) * width;
  const count = (bottom - top) * width;
  const least = new Float32Array(count);
  const most = new Float32Array(count);
  for (let place = 0; place < count; place += 1) {
    const level = levels[skipped + place];
    least[place] = -lows[skipped + place] - OVERSHOOT - level;
    most[place] = highs[skipped + place] + OVERSHOOT - level;
  }
  return { least, most };
}

// Largest of the 5 x 5 around each value: along the rows, then along the columns; beyond the edge is nothing.
function largestAround(values, width, height) {
  const rows = values.slice();
  for (let y = 0; y < height; y += 1) raise(rows, values, y * width, (y + 1) * width, 1);
  const both = rows.slice();
  raise(both, rows, 0, rows.length, width);
  return both;
}

// Raise each of `found` from `start` to `end` to the largest of `values` up to REACH steps away.
function raise(found, values, start, end, step) {
  for (let near = -REACH; near <= REACH; near += 1) {
    const shift = near * step;
    const last = Math.min(end, end - shift);
    for (let place = Math.max(start, start - shift); place < last; place += 1) {
      if (values[place + shift] > found[place]) found[place] = values[place + shift];
    }
  }
}
