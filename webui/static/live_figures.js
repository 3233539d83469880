// The figures under the picture, and the numbers of the last seconds that some of them are made of.
function liveFigures(root) {
  const list = root.querySelector(".live-figures");
  return {
    // rows: [[name, value], ...]; what is not known is left out
    show(rows) {
      list.replaceChildren(
        ...rows
          .filter(([, value]) => value !== null && value !== undefined && value !== "")
          .map(([name, value]) => {
            const row = document.createElement("div");
            row.dataset.figure = name;
            const [term, number] = [document.createElement("dt"), document.createElement("dd")];
            term.textContent = name;
            number.textContent = value;
            row.append(term, number);
            return row;
          }),
      );
    },
  };
}

// Times of the last three seconds: how many a second, and their percentiles.
function recentTimes() {
  const WINDOW_MS = 3000;
  let entries = []; // [when, milliseconds]
  let startedAt = performance.now();
  const recent = () => {
    const since = performance.now() - WINDOW_MS;
    while (entries.length > 0 && entries[0][0] < since) entries.shift();
    return entries;
  };
  return {
    start() {
      entries = [];
      startedAt = performance.now();
    },
    add(milliseconds) {
      entries.push([performance.now(), milliseconds]);
    },
    perSecond() {
      const span = Math.min(WINDOW_MS, performance.now() - startedAt);
      return span > 0 ? (1000 * recent().length) / span : null;
    },
    percentile(percent) {
      const sorted = recent().map((entry) => entry[1]).sort((a, b) => a - b);
      return sorted.length > 0 ? sorted[Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length))] : null;
    },
  };
}

const oneDecimal = (number) => (number === null || number === undefined ? null : number.toFixed(1));
const inMs = (number) => (number === null || number === undefined ? null : `${Math.round(number)} ms`);

// Where a WebSocket of this page is, also behind a proxy that serves it below a path.
function socketAddress(path) {
  const root = (window.gradio_config?.root || window.location.origin + window.location.pathname).replace(/\/*$/, "/");
  const address = new URL(path, root);
  address.host = window.location.host;
  address.protocol = window.location.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}
