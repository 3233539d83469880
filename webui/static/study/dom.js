// Making elements: element("button", {class: "go", onclick: f}, "text", child, ...).
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function show(...children) {
  const page = document.getElementById("page");
  page.replaceChildren(...children.filter((child) => child));
  page.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

export function keyHint(key) { // shown where there is a keyboard, study.css
  return element("kbd", {}, key);
}

// One function at a time hears the keyboard: onKeys(handler) replaces the last; a handler returns true for its keys.
let heard = () => false;
export function onKeys(handler) {
  heard = handler;
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea")) return;
  if (heard(event.key, event)) event.preventDefault();
});
