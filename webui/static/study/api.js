// Talking to the server: the token goes in a header; answers wait in a queue that survives reloads until they arrive.
const WAITS_MS = [500, 1000, 2000, 4000, 8000];

export class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

export class Api {
  constructor(token, { onOffline, onOnline }) {
    this.token = token;
    this.onOffline = onOffline;
    this.onOnline = onOnline;
    this.sending = null;
  }

  async ask(path, body) {
    const headers = { "X-Session": this.token };
    const options = { headers, cache: "no-store", credentials: "same-origin" };
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      Object.assign(options, { method: "POST", body: JSON.stringify(body) });
    }
    const answer = await fetch(`/api/${path}`, options);
    if (answer.status >= 500) throw new TypeError(`status ${answer.status}`); // as good as no answer
    if (answer.ok && path.startsWith("picture/")) return answer.blob();
    const content = await answer.json();
    if (!answer.ok) throw new Refused(content.refused ?? String(answer.status));
    return content;
  }

  // Asks until there is an answer, however long the network is away. Refusals are thrown.
  async insist(path, body) {
    for (let turn = 0; ; turn += 1) {
      try {
        const content = await this.ask(path, typeof body === "function" ? body() : body);
        this.onOnline();
        return content;
      } catch (error) {
        if (error instanceof Refused) throw error;
        this.onOffline();
        await new Promise((resolve) => {
          const timer = setTimeout(resolve, WAITS_MS[Math.min(turn, WAITS_MS.length - 1)]);
          window.addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
        });
      }
    }
  }

  get place() {
    return `whetstone-study-queue-${this.token}`;
  }

  get queue() {
    try {
      return JSON.parse(localStorage.getItem(this.place)) ?? [];
    } catch {
      return [];
    }
  }

  set queue(entries) {
    if (entries.length) localStorage.setItem(this.place, JSON.stringify(entries));
    else localStorage.removeItem(this.place);
  }

  // Keep an answer (a dict with `pictures`, the names that were shown, and clicked_at), and send what waits.
  answer(entry) {
    this.queue = [...this.queue, entry];
    return this.flush();
  }

  // Sends what waits, in order; returns the state after the last one, or null when nothing waited.
  flush() {
    this.sending ??= this.send().finally(() => { this.sending = null; });
    return this.sending;
  }

  async send() {
    let state = null;
    while (this.queue.length) {
      const { pictures, clicked_at, ...content } = this.queue[0];
      const body = () => ({ ...content, age_ms: Math.max(0, Date.now() - clicked_at) });
      try {
        state = await this.insist("answer", body);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (error.code === "not_shown") { // a server that was started again does not remember: load them once more
          for (const name of pictures) await this.insist(`picture/${name}`);
          state = await this.insist("answer", body);
        } else {
          state = await this.insist("state"); // nothing to be saved by trying again
        }
      }
      this.queue = this.queue.filter((one) => one.trial !== content.trial);
    }
    return state;
  }
}
