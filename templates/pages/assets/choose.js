// Other values for the field in hand, on Alt+Down: what else stands on the page in its form, what was read before, and
// what is on file. A digit or a click chooses. A value can always be typed instead.

import { take } from "./teach.js";

const form = document.getElementById("review");
const sheets = document.querySelector(".sheets");

let list = null;
let target = null;

function close() {
  list?.remove();
  list = null;
}

function choose(choice) {
  const input = target;
  close();
  take(choice.page ? sheets.querySelector(`svg[data-page="${choice.page}"]`) : null, input, choice);
}

function show(choices) {
  const label = target.labels?.[0]?.textContent ?? target.getAttribute("aria-label") ?? "";
  list = document.createElement("div");
  list.className = "choices";
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", form.dataset.choices.replace("{label}", label));
  const said = document.createElement("p");
  said.className = "meta";
  said.setAttribute("role", "status");
  said.textContent = choices.length ? form.dataset.choices.replace("{label}", label) : form.dataset.choicesNone;
  list.append(said);
  choices.forEach((choice, n) => {
    const button = document.createElement("button");
    button.type = "button";
    const digit = document.createElement("kbd");
    digit.textContent = n + 1;
    const from = document.createElement("span");
    from.className = "meta";
    from.textContent = choice.page ? form.dataset.page.replace("{n}", choice.page) : form.dataset.choicesFile;
    button.append(digit, " ", choice.value, " ", from);
    button.addEventListener("click", () => choose(choice));
    list.append(button);
  });
  (target.closest(".field") ?? target.closest(".grid")).append(list);
  list.choices = choices;
}

form.addEventListener("keydown", async (e) => {
  const input = e.target.closest("input, textarea");
  if (e.altKey && e.key === "ArrowDown" && !e.shiftKey && /^[fl]\./.test(input?.name ?? "") && !input.readOnly) {
    e.preventDefault();
    close();
    target = input;
    const answer = await fetch(`${form.getAttribute("action")}/choices?${new URLSearchParams({ input: input.name })}`);
    if (answer.ok && target === input) show((await answer.json()).choices);
  } else if (list && e.key === "Escape") {
    e.preventDefault();
    close();
    target.focus();
  } else if (list && /^[1-9]$/.test(e.key) && !e.ctrlKey && list.choices[e.key - 1]) {
    e.preventDefault();
    choose(list.choices[e.key - 1]);
  } else if (list && e.key === "ArrowDown" && !e.altKey && (e.target === target || list.contains(e.target))) {
    e.preventDefault();
    const buttons = [...list.querySelectorAll("button")];
    buttons[(buttons.indexOf(document.activeElement) + 1) % buttons.length]?.focus();
  } else if (list && input === target && e.key.length === 1) close();
}, { capture: true });
form.addEventListener("focusin", (e) => list && e.target !== target && !list.contains(e.target) && close());
