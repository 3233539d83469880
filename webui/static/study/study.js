// A volunteer's page: shows what the server says comes next, one screen a state.
import { Api, Refused } from "./api.js";
import { screenCheck } from "./check.js";
import { element, keyHint, onKeys, show } from "./dom.js";
import { Shelf, Stage } from "./pictures.js";
import { Rating } from "./rating.js";
import { S, words } from "./strings.js";

const SECONDS_A_TRIAL = 15; // for the estimate on the first page
const LONGEST_MS = 86_400_000;
const link = location.pathname.split("/").pop();
const shared = `whetstone-study-session-${link}`; // where the one link for all keeps this browser's own session
const offline = element("p", { class: "offline", role: "status", hidden: true }, S.trial.offline);
const api = new Api(localStorage.getItem(shared) ?? link, {
  onOffline: () => { offline.hidden = false; },
  onOnline: () => { offline.hidden = true; },
});
const shelf = new Shelf(api);
const foot = document.getElementById("foot");
let workedMs = 0; // since the last break
let stage = null;
let current = 0; // the trial that is shown, or would be
let trained = false; // whether "that was the training" is still to be said

document.title = S.title;
document.body.append(offline);
start().catch(report);

async function start() {
  show(element("p", {}, S.trial.loading));
  await api.flush();
  await enter(await api.insist("state"));
}

function report(error) {
  onKeys(() => false);
  if (!(error instanceof Refused)) throw error;
  if (error.code === "unknown_link" && api.token !== link) { // withdrawn in another tab, perhaps: the link is still good
    localStorage.removeItem(shared);
    location.reload();
    return;
  }
  foot.replaceChildren();
  show(element("h1", {}, S.title), element("p", {}, S.refused[error.code] ?? words(S.refused.other, { code: error.code })));
}

async function enter(state) {
  onKeys(() => false);
  footer(state);
  const screens = { consent, check, training: trial, trials: trial, done, withdrawn };
  await screens[state.step](state);
}

function footer(state) {
  if (["consent", "withdrawn"].includes(state.step)) {
    foot.replaceChildren();
    return;
  }
  const ask = () => foot.replaceChildren(S.withdraw.sure,
    element("button", { type: "button", class: "danger", onclick: () => withdraw().catch(report) }, S.withdraw.yes),
    element("button", { type: "button", onclick: () => footer(state) }, S.withdraw.no));
  foot.replaceChildren(element("button", { type: "button", class: "quiet", onclick: ask }, S.withdraw.link));
}

async function withdraw() {
  api.queue = [];
  const state = await api.insist("withdraw", {});
  localStorage.removeItem(shared);
  await enter(state);
}

function consent(state) {
  const minutes = Math.ceil((state.trials * SECONDS_A_TRIAL) / 60);
  const agree = element("button", { type: "button", class: "next", onclick: () => {
    agree.disabled = true;
    api.insist("consent", {}).then(async ({ token, ...after }) => {
      if (token !== link) localStorage.setItem(shared, token);
      api.token = token;
      await enter(after);
    }).catch(report);
  } }, S.consent.agree);
  show(element("h1", {}, S.title), element("p", {}, words(S.consent.intro, { minutes })),
    element("h2", {}, S.consent.keptHead), element("ul", {}, ...S.consent.kept.map((line) => element("li", {}, line))),
    element("p", {}, words(S.consent.howLong, { kept: state.kept || S.consent.howLongDefault })),
    element("p", {}, S.consent.withdraw),
    state.contact ? element("p", {}, words(S.consent.contact, { contact: state.contact })) : null, agree);
  onKeys((key) => key === "Enter" && (agree.click(), true));
}

function check(state) {
  show(screenCheck(state, (found) => api.insist("check", found).then(enter).catch(report)));
  document.querySelector(".plates input").focus();
}

async function trial(state) {
  shelf.put(state.next);
  await present(state, state.answered);
}

// Shows one trial; its answer goes into the queue and the next, loaded ahead, comes without waiting for the server.
async function present(state, number) {
  current = number;
  const counting = number >= state.training;
  if (counting && trained) {
    trained = false;
    await pause(S.pause.trainingHead, S.pause.training);
  }
  trained = !counting;
  if (workedMs > 1000 * state.break_s) {
    workedMs = 0;
    await pause(S.pause.head, S.pause.text);
  }
  const planned = shelf.take(number);
  const waiting = setTimeout(() => show(element("p", { class: "wait" }, S.trial.loading)), 100);
  let images;
  try {
    images = await planned.images;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    shelf.drop(number); // another tab went on: ask where the session is
    await enter(await api.insist("state"));
    return;
  } finally {
    clearTimeout(waiting);
  }
  stage?.close();
  const rating = new Rating(state.method, planned.ask, (answer) => {
    const response_ms = Math.min(Math.round(performance.now() - shownAt), LONGEST_MS);
    workedMs += response_ms;
    next({ trial: number, response_ms, ...answer, pictures: planned.pictures, clicked_at: Date.now() });
  });
  let shownAt = performance.now();

  function next(entry) {
    onKeys(() => false);
    current = number + 1;
    const arrived = api.answer(entry).then((after) => {
      if (after?.next) shelf.put(after.next);
      return after;
    });
    if (number + 1 < state.trials && shelf.trials.has(number + 1)) {
      arrived.then((after) => { // where another tab went on, the session is elsewhere
        if (after && after.answered !== current) return enter(after);
      }).catch(report);
      present(state, number + 1).catch(report);
    } else {
      show(element("p", { class: "wait" }, S.trial.loading));
      arrived.then(async (after) => enter(after ?? await api.insist("state"))).catch(report);
    }
  }

  const counted = counting
    ? words(S.trial.progress, { n: number + 1 - state.training, total: state.trials - state.training })
    : words(S.trial.training, { n: number + 1, total: state.training });
  stage = new Stage(planned, images);
  show(element("div", { class: "trial", "data-number": number },
    element("div", { class: "head" }, element("span", {}, counted),
      element("progress", { max: state.trials, value: number, "aria-label": counted })),
    stage.element, rating.element));
  stage.fit();
  requestAnimationFrame(() => requestAnimationFrame(() => { shownAt = performance.now(); }));
  onKeys((key, event) => {
    if (event.repeat && key === "Enter") return true;
    if (key === "f" || key === "F") stage.flick();
    else if (key === "v" || key === "V") stage.sideBySide();
    else return rating.key(key);
    return true;
  });
}

function pause(head, text) {
  return new Promise((resolve) => {
    const go = element("button", { type: "button", class: "next", onclick: resolve }, S.pause.go, keyHint("Enter"));
    show(element("div", { class: "pause" }, element("h1", {}, head), element("p", {}, text), go));
    onKeys((key, event) => key === "Enter" && (event.repeat || resolve(), true));
  }).then(() => onKeys(() => false));
}

async function done(state) {
  const { results } = await api.insist("results");
  const rows = Object.entries(results).map(([condition, mean]) =>
    element("tr", {}, element("td", {}, condition), element("td", {}, mean.toFixed(2))));
  const another = element("button", { type: "button", class: "quiet", onclick: () => {
    localStorage.removeItem(shared);
    location.reload();
  } }, S.done.another);
  show(element("h1", {}, S.done.head), element("p", {}, S.done.text), element("h2", {}, S.done.results),
    element("table", {}, element("thead", {}, element("tr", {}, element("th", {}, S.done.condition),
      element("th", {}, S.done.mean[state.method]))), element("tbody", {}, ...rows)),
    localStorage.getItem(shared) ? another : null);
}

function withdrawn() {
  show(element("h1", {}, S.withdrawn.head), element("p", {}, S.withdrawn.text));
}
