// The controls of one trial: rows of buttons that the mouse, a finger or the keyboard moves; done when all are set.
import { element, keyHint } from "./dom.js";
import { S, words } from "./strings.js";

const LEVELS = [5, 4, 3, 2, 1];
const COMPARED = [3, 2, 1, 0, -1, -2, -3];

class Row {
  constructor(label, values, captions, onChange) {
    this.values = values;
    this.value = null;
    this.onChange = onChange;
    this.buttons = values.map((value, place) => element("button", {
      type: "button", role: "radio", "aria-checked": "false", "data-value": value, onclick: () => this.set(value),
    }, ...captions[place]));
    this.element = element("div", { class: "row", role: "radiogroup", "aria-label": label },
      element("span", { class: "label" }, label), element("div", { class: "choices" }, ...this.buttons));
  }

  set(value) {
    if (!this.values.includes(value)) return;
    this.value = value;
    this.buttons.forEach((button, place) => button.setAttribute("aria-checked", String(this.values[place] === value)));
    this.onChange(this);
  }

  move(by) {
    const at = this.values.indexOf(this.value);
    const start = at < 0 ? Math.floor(this.values.length / 2) : at + by;
    this.set(this.values[Math.min(Math.max(start, 0), this.values.length - 1)]);
  }
}

function levels(label, onChange) {
  const captions = LEVELS.map((level) => [element("b", {}, String(level)), element("span", {}, S.scale[level])]);
  return new Row(label, LEVELS, captions, onChange);
}

// Each: {rows, key(key) -> whether it was for us, answer() -> {score, other_score?}, asked(value) -> words of a trap}
const METHODS = {
  ab(rating) {
    const rows = [levels(S.trial.left, rating.changed), levels(S.trial.right, rating.changed)];
    return {
      rows,
      key(key) {
        if (key === "ArrowLeft" || key === "ArrowRight") rating.activate(key === "ArrowLeft" ? 0 : 1);
        else if (key === "ArrowUp" || key === "ArrowDown") rows[rating.active].move(key === "ArrowUp" ? -1 : 1);
        else if ("12345".includes(key)) {
          rows[rating.active].set(Number(key));
          if (rows[1 - rating.active].value === null) rating.activate(1 - rating.active);
        } else return false;
        return true;
      },
      answer: () => ({ score: rows[0].value, other_score: rows[1].value }),
      asked: (value) => words(S.trial.ask, { answer: `${value} ${S.scale[value]}`, both: S.trial.askBoth }),
    };
  },
  acr(rating) {
    const rows = [levels(S.trial.rate, rating.changed)];
    return {
      rows,
      key(key) {
        if (["ArrowLeft", "ArrowUp"].includes(key)) rows[0].move(-1);
        else if (["ArrowRight", "ArrowDown"].includes(key)) rows[0].move(1);
        else if ("12345".includes(key)) rows[0].set(Number(key));
        else return false;
        return true;
      },
      answer: () => ({ score: rows[0].value }),
      asked: (value) => words(S.trial.ask, { answer: `${value} ${S.scale[value]}` }),
    };
  },
  ccr: (rating) => one(rating, S.compare, COMPARED),
  pair: (rating) => one(rating, S.choose, [1, 0]),
};

function one(rating, strings, values) { // values from left to right
  const row = new Row(strings.question, values, values.map((value) => [element("span", {}, strings[value])]), rating.changed);
  return {
    rows: [row],
    key(key) {
      if (key === "ArrowLeft" || key === "ArrowRight") {
        if (values.length === 2) row.set(values[key === "ArrowLeft" ? 0 : 1]);
        else row.move(key === "ArrowLeft" ? -1 : 1);
      } else if (/^[1-9]$/.test(key) && Number(key) <= values.length) row.set(values[Number(key) - 1]);
      else return false;
      return true;
    },
    answer: () => ({ score: row.value }),
    asked: (value) => words(S.trial.ask, { answer: strings[value] }),
  };
}

export class Rating {
  // onDone(answer) is called once, when the volunteer goes on. ask: what a trap asks for, or null.
  constructor(method, ask, onDone) {
    this.active = 0;
    this.changed = (row) => {
      this.activate(this.method.rows.indexOf(row));
      this.next.disabled = !this.complete;
    };
    this.onDone = onDone;
    this.next = element("button", { type: "button", class: "next", disabled: true, onclick: () => this.finish() },
      S.trial.next, keyHint("Enter"));
    this.method = METHODS[method](this);
    this.comment = element("input", { type: "text", maxlength: 500, placeholder: S.trial.comment, "aria-label": S.trial.comment });
    this.element = element("div", { class: `rating ${method}` },
      ask === null ? null : element("p", { class: "ask", role: "alert" }, this.method.asked(ask)),
      element("div", { class: "rows" }, ...this.method.rows.map((row) => row.element)),
      element("div", { class: "last" }, this.comment, this.next),
      element("p", { class: "keys" }, S.trial.keys[method]));
    this.activate(0);
  }

  get complete() {
    return this.method.rows.every((row) => row.value !== null);
  }

  activate(place) {
    this.active = place;
    this.method.rows.forEach((row, at) => row.element.classList.toggle("active", at === place && this.method.rows.length > 1));
  }

  key(key) {
    if (key === "Enter") {
      this.finish();
      return true;
    }
    return this.method.key(key);
  }

  finish() { // a double click or a held Enter is one answer
    if (!this.complete || !this.onDone) return;
    const onDone = this.onDone;
    this.onDone = null;
    this.next.disabled = true;
    onDone({ ...this.method.answer(), comment: this.comment.value });
  }
}
