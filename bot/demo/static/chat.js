// The page's behaviour: which person is shown, what arrives, what is pressed. HTML comes from the server, escaped there.
"use strict";

const byId = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const personButton = (person) => document.querySelector(`.person[data-person="${CSS.escape(person)}"]`);
const logOf = (person) => document.querySelector(`.dm[data-dm="${CSS.escape(person)}"] .log`);

let chosen = document.querySelector(".person[aria-current]")?.dataset.person ?? "";
let hasChosen = document.querySelector(".item") !== null;

function show(person) {
  chosen = person;
  for (const button of all(".person")) {
    if (button.dataset.person === person) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  for (const dm of all(".dm")) dm.hidden = dm.dataset.dm !== person;
  const button = personButton(person);
  button.classList.remove("unread");
  button.querySelector(".dot").hidden = true;
  button.querySelector(".count").textContent = "0";
  toEnd(logOf(person));
}

function toEnd(log) {
  log.scrollTop = log.scrollHeight;
}

function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

function add(event) {
  const log = logOf(event.person);
  if (!log || document.getElementById(event.id)) return;
  const nearEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 120;
  const piece = fragment(event.html);
  const element = piece.firstElementChild;
  element.classList.add("fresh");
  log.querySelector(".empty").hidden = true;
  log.append(piece);
  if (event.person !== chosen && event.kind === "message" && !hasChosen) show(event.person);
  if (event.kind === "message") hasChosen = true;
  if (event.person === chosen) {
    if (nearEnd || event.kind !== "message") toEnd(log);
  } else {
    const button = personButton(event.person);
    const count = button.querySelector(".count");
    count.textContent = String(Number(count.textContent) + 1);
    button.querySelector(".dot").hidden = false;
    button.classList.add("unread");
  }
}

function change(event) {
  byId(event.id)?.replaceWith(fragment(event.html));
}

function clock(event) {
  byId("date").textContent = event.date;
  byId("time").textContent = event.time;
  byId("play").dataset.playing = String(event.playing);
  byId("play-label").textContent = event.playing ? "Pause" : "Play";
  for (const time of all("[data-local]")) time.textContent = event.local[time.dataset.local] ?? "";
}

function status(text, bad = false) {
  const line = byId("status");
  line.textContent = text;
  line.classList.toggle("bad", bad);
}

async function post(path, body) {
  try {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    const answer = await response.json();
    if (!response.ok) status(answer.error, true);
    return response.ok ? answer : null;
  } catch {
    status("The demo does not answer: it may have been stopped.", true);
    return null;
  }
}

async function press(control) {
  const item = control.closest(".item");
  const value = "value" in control && control.tagName !== "BUTTON" ? control.value : null;
  control.setAttribute("aria-busy", "true");
  await post("/press", { item: item.id, action: control.dataset.action, block: Number(control.dataset.block), value });
  control.removeAttribute("aria-busy");
}

async function submit(button) {
  const item = button.closest(".item");
  const values = all("[data-action]:not([data-live])", item)
    .filter((field) => field.type !== "checkbox" || field.checked)
    .map((field) => ({ block: Number(field.dataset.block), action: field.dataset.action, value: field.value }));
  button.setAttribute("aria-busy", "true");
  await post("/submit", { item: item.id, values });
  button.removeAttribute("aria-busy");
}

async function send(text) {
  if (text.trim() && chosen) await post("/send", { person: chosen, text: text.trim() });
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("button, a");
  if (!target) return;
  if (target.dataset.person) {
    hasChosen = true;
    show(target.dataset.person);
  } else if (target.dataset.clock) post("/clock", { act: target.dataset.clock });
  else if (target.dataset.command) send(target.dataset.command);
  else if ("submit" in target.dataset) submit(target);
  else if ("live" in target.dataset) press(target);
});

document.addEventListener("change", (event) => {
  if ("live" in event.target.dataset && event.target.matches("select, input")) press(event.target);
});

document.addEventListener("keydown", (event) => {
  const list = event.target.closest?.(".people") && all(".person");
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!list || !step) return;
  event.preventDefault();
  list[(list.indexOf(document.activeElement) + step + list.length) % list.length].focus();
});

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("entry").value;
  byId("entry").value = "";
  send(text);
});

const source = new EventSource(`/events?after=${document.body.dataset.after}`);
source.addEventListener("message", (message) => {
  const event = JSON.parse(message.data);
  if (event.type === "add") add(event);
  else if (event.type === "change") change(event);
  else if (event.type === "clock") clock(event);
  else if (event.type === "status") status(event.text, event.bad);
});
source.addEventListener("error", () => status("The demo does not answer: it may have been stopped.", true));
source.addEventListener("open", () => {
  if (byId("status").classList.contains("bad")) status("");
});
for (const log of all(".log")) toEnd(log);
