// The leader's page: how far the study is, asked anew every other second; links and tables.
import { element, show } from "./dom.js";
import { S, words } from "./strings.js";

const EVERY_MS = 2000;
const lost = element("p", { class: "offline", role: "status", hidden: true }, S.leader.lost);
document.body.append(lost);
let shown = "";

async function look() {
  try {
    const answer = await fetch("/leader/progress.json", { cache: "no-store" });
    if (!answer.ok) throw new TypeError(String(answer.status));
    const text = await answer.text();
    lost.hidden = true;
    if (text !== shown) draw(JSON.parse(text));
    shown = text;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    lost.hidden = false;
  }
  setTimeout(look, EVERY_MS);
}

function draw(now) {
  const columns = Object.keys(S.leader.columns);
  const cell = (one, name) => element("td", {}, String(
    name === "answered" ? `${one.answered} / ${one.trials}` : name.endsWith("_at") && one[name] ? time(one[name]) : one[name]));
  const rows = now.sessions.map((one) => element("tr", {}, ...columns.map((name) => cell(one, name))));
  const title = words(S.leader.title, { ...now, conditions: now.conditions.join(", ") });
  show(element("h1", {}, title),
    element("dl", { class: "numbers" }, ...Object.entries(S.leader.numbers).map(([name, word]) =>
      element("div", {}, element("dd", { id: name }, String(now[name])), element("dt", {}, word)))),
    now.ends_at ? element("p", {}, words(S.leader.ends, { when: time(now.ends_at) })) : null,
    element("h2", {}, S.leader.links), element("ul", { class: "links" }, ...now.links.map((link) => {
      const address = (now.public_url || location.origin) + link.path;
      const name = link.number ? words(S.leader.link, { n: link.number }) : S.leader.shared;
      return element("li", {}, `${name}: `, element("a", { href: address, target: "_blank" }, address));
    })),
    element("h2", {}, S.leader.tables), element("ul", {}, ...["ratings", "sessions"].map((name) =>
      element("li", {}, element("a", { href: `/leader/${name}.csv` }, S.leader[name])))),
    rows.length
      ? element("div", { class: "wide" }, element("table", {}, element("thead", {},
        element("tr", {}, ...columns.map((name) => element("th", {}, S.leader.columns[name])))), element("tbody", {}, ...rows)))
      : element("p", {}, S.leader.none));
}

function time(text) {
  return new Date(text).toLocaleString();
}

look();
