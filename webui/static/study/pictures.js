// Pictures at one picture point a screen point, side by side or one over the other; the next ones are loaded ahead.
import { element, keyHint } from "./dom.js";
import { S, words } from "./strings.js";

const GAP = 12; // CSS pixels between two pictures, as in study.css

export class Shelf { // of loaded trials: number -> promise of decoded images
  constructor(api) {
    this.api = api;
    this.trials = new Map();
  }

  put(trials) {
    for (const trial of trials) {
      if (!this.trials.has(trial.number)) this.trials.set(trial.number, { ...trial, images: this.load(trial) });
    }
  }

  take(number) {
    for (const old of [...this.trials.keys()]) if (old < number) this.drop(old);
    return this.trials.get(number);
  }

  drop(number) {
    this.trials.get(number).images.then((images) => images.forEach((image) => URL.revokeObjectURL(image.src)), () => {});
    this.trials.delete(number);
  }

  load(trial) {
    const loading = Promise.all(trial.pictures.map(async (name) => {
      const image = new Image(trial.width, trial.height);
      image.src = URL.createObjectURL(await this.api.insist(`picture/${name}`));
      image.alt = "";
      image.draggable = false;
      await image.decode();
      return image;
    }));
    loading.catch(() => {}); // who takes it hears of it
    return loading;
  }
}

export class Stage {
  constructor(trial, images) {
    this.trial = trial;
    this.frames = images.map((image) => element("div", { class: "frame" }, image));
    this.labels = images.length === 2 ? [S.trial.left, S.trial.right] : [S.trial.one];
    this.visible = 0;
    this.pictures = element("div", { class: "pictures" }, ...this.frames);
    this.says = element("p", { class: "showing", "aria-live": "polite" });
    this.flickButton = element("button", { type: "button", class: "flick", onclick: () => this.flick() });
    this.sideButton = element("button", { type: "button", class: "side", onclick: () => this.sideBySide() },
      S.trial.side, keyHint("V"));
    this.pan = element("p", { class: "pan", hidden: true }, S.trial.pan);
    this.element = element("div", { class: "stage" }, this.pictures, this.pan,
      images.length === 2 ? element("div", { class: "views" }, this.says, this.flickButton, this.sideButton) : null);
    this.resized = () => this.fit();
    window.addEventListener("resize", this.resized);
    for (const frame of this.frames) { // moving in one that does not fit moves the other
      frame.addEventListener("scroll", () => {
        for (const other of this.frames) {
          if (other !== frame) other.scrollTo(frame.scrollLeft, frame.scrollTop);
        }
      });
    }
    this.flicking = images.length === 2 && !this.fitsBeside();
    this.draw();
  }

  close() {
    window.removeEventListener("resize", this.resized);
  }

  fitsBeside() {
    return (2 * this.trial.width) / devicePixelRatio + GAP <= document.documentElement.clientWidth;
  }

  flick() {
    if (this.frames.length < 2) return;
    if (this.flicking) this.visible = 1 - this.visible;
    this.flicking = true;
    this.draw();
  }

  sideBySide() {
    if (this.frames.length < 2 || !this.fitsBeside()) return;
    this.flicking = false;
    this.draw();
  }

  draw() {
    this.pictures.classList.toggle("over", this.flicking);
    this.frames.forEach((frame, side) => frame.classList.toggle("hidden", this.flicking && side !== this.visible));
    this.says.textContent = this.flicking ? words(S.trial.showing, { which: this.labels[this.visible] }) : "";
    this.flickButton.replaceChildren(this.flicking ? S.trial.other : S.trial.flick, keyHint("F"));
    this.sideButton.hidden = !this.flicking || !this.fitsBeside();
    this.fit();
  }

  // One picture point is one point of the screen: sizes in CSS pixels follow the density, places lie on whole points.
  fit() {
    const density = devicePixelRatio;
    this.pan.hidden = this.trial.width / density <= document.documentElement.clientWidth;
    for (const frame of this.frames) {
      const image = frame.firstChild;
      image.style.width = `${this.trial.width / density}px`;
      image.style.height = `${this.trial.height / density}px`;
    }
    for (const frame of this.frames) {
      frame.style.left = frame.style.top = "0";
      const { left, top } = frame.getBoundingClientRect();
      frame.style.left = `${(Math.round(left * density) - left * density) / density}px`;
      const topOfPage = (top + window.scrollY) * density;
      frame.style.top = `${(Math.round(topOfPage) - topOfPage) / density}px`;
    }
  }
}
