// The figures below the picture, and the numbers of the last seconds that some of them are made of.
const WINDOW_MS = 3000;

// rows: [[name, value], ...]; what is not known is left out.
export function showFigures(list, rows) {
  const known = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  list.replaceChildren(
    ...known.map(([name, value]) => {
      const row = document.createElement("div");
      row.dataset.figure = name;
      const [term, number] = [document.createElement("dt"), document.createElement("dd")];
      [term.textContent, number.textContent] = [name, value];
      row.append(term, number);
      return row;
    }),
  );
}

// Milliseconds of the last three seconds: how many a second, and their percentiles.
export class RecentTimes {
  #entries = []; // [when, milliseconds]
  #startedAt = performance.now();

  add(milliseconds) {
    this.#entries.push([performance.now(), milliseconds]);
  }

  perSecond() {
    const span = Math.min(WINDOW_MS, performance.now() - this.#startedAt);
    return this.#recent().length > 0 ? (1000 * this.#recent().length) / span : null;
  }

  percentile(percent) {
    const sorted = this.#recent().map((entry) => entry[1]).sort((a, b) => a - b);
    return sorted.length > 0 ? sorted[Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length))] : null;
  }

  #recent() {
    const since = performance.now() - WINDOW_MS;
    while (this.#entries.length > 0 && this.#entries[0][0] < since) this.#entries.shift();
    return this.#entries;
  }
}

export const oneDecimal = (number) => (number === null ? null : number.toFixed(1));
export const inMs = (number) => (number === null ? null : `${number < 10 ? number.toFixed(1) : Math.round(number)} ms`);
