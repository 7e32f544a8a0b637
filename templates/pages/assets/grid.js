// The line grid as a spreadsheet: arrows move, cells come in by paste, lines are doubled, split and removed by key;
// and the card of all keys. Every cell is a plain input, so that all of it works without.

import { addBelow, plain, recount, written } from "./review.js";

const form = document.getElementById("review");
const body = form.querySelector(".lines tbody");
const rows = () => [...(body?.querySelectorAll("tr[data-line]") ?? [])];
const cells = (row) => [...row.querySelectorAll("td.cell input")];

// Where one is

let row = document.activeElement?.closest("tr[data-line]") ?? null;
form.addEventListener("focusin", (e) => {
  const line = e.target.closest("tr[data-line]");
  if (line) row = line;
});

function go(line, column) {
  const cell = line && cells(line)[column];
  if (!cell) return false;
  cell.focus();
  cell.select();
  return true;
}

function move(input, key) {
  const line = input.closest("tr[data-line]");
  const [all, column] = [rows(), cells(line).indexOf(input)];
  const number = all.indexOf(line);
  if (key === "ArrowUp") return go(all[number - 1], column);
  if (key === "ArrowDown") return go(all[number + 1], column);
  const [from, to] = [input.selectionStart, input.selectionEnd];
  const whole = from === 0 && to === input.value.length;
  if (key === "ArrowLeft" && to === 0) return go(line, column - 1);
  if (key === "ArrowLeft" && whole) return go(line, column - 1);
  if (key === "ArrowRight" && to === input.value.length) return go(line, column + 1);
  return false;
}

// Taking back: what a paste, a split and the like did to the lines, and what was typed into a cell that was left. In the
// cell in hand the browser takes back, letter by letter.

const STEPS_MAX = 50;
const steps = [];

const look = (input) => ({ input, value: input.value, checked: input.checked, style: input.closest("td").className });
const state = () => [...body.children].map((node) => ({ node, inputs: [...node.querySelectorAll("input")].map(look) }));

function keep(lines, input) {
  steps.push({ lines, input });
  if (steps.length > STEPS_MAX) steps.shift();
}

// Does something to the lines as one step.
function step(what) {
  settle();
  const [before, input] = [state(), document.activeElement];
  say();
  const done = what();
  if (done === false) return;
  keep(before, row?.contains(input) ? input : row?.querySelector("td.cell input"));
  held = cellOf(document.activeElement);
  changed();
}

// The cell in hand as it was entered.
let held = null;
const cellOf = (node) => (node?.matches("td.cell input") ? look(node) : null);
const isTyped = () => held && held.input.isConnected && held.input.value !== held.value;
function settle() {
  if (!isTyped()) return;
  const before = state();
  const was = before.flatMap((line) => line.inputs).find((seen) => seen.input === held.input);
  if (was) Object.assign(was, held);
  keep(before, held.input);
  held = look(held.input);
}
body?.addEventListener("focusin", (e) => (held = cellOf(e.target)));
body?.addEventListener("focusout", settle);

function takeBack(always) {
  if (always) settle();
  const before = !isTyped() && steps.pop();
  if (!before) return false;
  held = null;
  body.replaceChildren(...before.lines.map((line) => line.node));
  for (const { input, value, checked, style } of before.lines.flatMap((line) => line.inputs)) {
    input.value = value;
    input.checked = checked;
    input.closest("td").className = style;
  }
  const input = before.input?.isConnected ? before.input : rows()[0]?.querySelector("td.cell input");
  input?.focus();
  input?.select();
  held = cellOf(input);
  say("undone");
  changed();
  return true;
}

// The page hears of many changed cells once.
function changed() {
  recount();
  body.querySelector("td.cell input")?.dispatchEvent(new Event("input", { bubbles: true }));
}

// Lines

// Sets a cell as a person would; the page is told of all of them at once.
function set(input, value) {
  if (!input || input.value === value) return;
  input.value = value;
  if ("attention" in input.dataset) input.dataset.seen = "";
  const cell = input.closest("td.cell");
  cell.className = cell.className.replace(/cell-\w+/, "cell-typed");
}

// Says what was done or why not, in the words of the page; nothing clears it.
function say(which, values = {}) {
  const said = form.querySelector("[data-said]");
  if (!said) return;
  const text = which ? said.dataset[which] : "";
  said.textContent = Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), text);
}

const cell = (line, column) => line.querySelector(`.c-${column} input`);

const isGone = (line) => Boolean(line.querySelector(".gone :checked"));

// A line below the one in hand, empty or with its cells.
function insert(cellsToo) {
  const from = row ?? rows().at(-1);
  const to = addBelow(from);
  if (!to) return null;
  if (cellsToo) cells(from).forEach((input, n) => set(cells(to)[n], input.value));
  go(to, 0);
  return to;
}

const add = () => step(() => Boolean(insert(false)));
const copy = () => step(() => {
  const to = insert(true);
  if (!to) return false;
  // the number of a position is one line's alone
  set(cell(to, "line_no"), "");
});

// Whole quantities are halved; what is odd stays with the first. Amounts follow where the price says so.
const split = () => step(() => {
  const from = row;
  const quantity = from && cell(from, "quantity");
  const whole = Number(plain(quantity?.value ?? ""));
  if (!Number.isSafeInteger(whole) || whole < 2) {
    say("split");
    return false;
  }
  say();
  const amount = cell(from, "amount");
  const figure = plain(amount?.value ?? "");
  const cents = /^\d+(\.\d{1,2})?$/.test(figure) ? Math.round(Number(figure) * 100) : null;
  const half = Math.floor(whole / 2);
  const to = insert(true);
  if (!to) return false;
  set(quantity, String(whole - half));
  set(cell(to, "quantity"), String(half));
  if (cents !== null) {
    const second = Math.round((cents * half) / whole);
    set(cell(to, "amount"), written((second / 100).toFixed(2)));
    set(amount, written(((cents - second) / 100).toFixed(2)));
  }
  cell(to, "quantity").focus();
});

// Two lines of one item become the first: quantities and amounts add up, what the first lacks comes from the second.
const merge = () => step(() => {
  const all = rows().filter((line) => !isGone(line));
  const [from, next] = [row, all[all.indexOf(row) + 1]];
  const same = (column) => {
    const [one, other] = [from, next].map((line) => cell(line, column)?.value.trim() ?? "");
    return one === other || !one || !other;
  };
  if (!from || isGone(from) || !next || !same("sku") || !same("unit_price") || !same("unit")) {
    say("merge");
    return false;
  }
  say();
  cells(from).forEach((input, n) => {
    const other = cells(next)[n];
    const [one, two] = [input, other].map((i) => i.value.trim());
    if (!one) set(input, two);
    else if (two && input.closest(".c-quantity, .c-amount")) {
      const sum = Number(plain(one)) + Number(plain(two));
      if (Number.isFinite(sum)) set(input, written(Number(sum.toFixed(4))));
    } else if (two && two !== one && input.closest(".c-description")) set(input, `${one} ${two}`);
  });
  next.querySelector(".gone input").checked = true;
  from.querySelector("td.cell input").focus();
});

const remove = () => step(() => {
  const gone = row?.querySelector(".gone input");
  if (!gone) return false;
  gone.checked = !gone.checked;
});

// A line one place up or down, with the row of its findings.
const shift = (way) => step(() => {
  const all = rows();
  const other = all[all.indexOf(row) + way];
  if (!row || !other) return false;
  const input = document.activeElement;
  const block = [row, row.nextElementSibling].filter((node) => node === row || node?.matches(".notes"));
  if (way < 0) other.before(...block);
  else (other.nextElementSibling?.matches(".notes") ? other.nextElementSibling : other).after(...block);
  if (row.contains(input)) input.focus();
});

// Cells of a spreadsheet: tabs between columns, line ends between rows, quotes around cells that hold either.
function parse(text) {
  const table = [[""]];
  let quoted = false;
  const source = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  for (let i = 0; i < source.length; i += 1) {
    const letter = source[i];
    const last = table[table.length - 1];
    if (quoted && letter === '"' && source[i + 1] === '"') {
      last[last.length - 1] += letter;
      i += 1;
    } else if (letter === '"' && (quoted || last[last.length - 1] === "")) quoted = !quoted;
    else if (!quoted && letter === "\t") last.push("");
    else if (!quoted && letter === "\n") table.push([""]);
    else last[last.length - 1] += letter === "\n" ? " " : letter;
  }
  return table;
}

// Lines that a draft may have, as the server takes them.
const LINES_MAX = 2000;

// Cells go into the lines below the one in hand that are not removed; lines are added at the end. What does not fit
// beside the last column or into the draft is not pasted in part: nothing changes, and the page says why.
body?.addEventListener("paste", (e) => {
  const text = e.clipboardData?.getData("text/plain") ?? "";
  const input = e.target.closest("td.cell input");
  if (!input || !/[\t\n]/.test(text.trim())) return;
  e.preventDefault();
  const table = parse(text).filter((values) => values.some((value) => value.trim()));
  const first = input.closest("tr");
  const start = cells(first).indexOf(input);
  const room = cells(first).length - start;
  const wide = Math.max(...table.map((values) => values.findLastIndex((value) => value.trim()) + 1));
  if (wide > room) return say("wide", { n: wide, room });
  const open = rows();
  const free = open.slice(open.indexOf(first)).filter((line) => line === first || !isGone(line));
  if (open.length + table.length - free.length > LINES_MAX) return say("many", { n: table.length, max: LINES_MAX });
  step(() => {
    first.querySelector(".gone input").checked = false;
    let last = open.at(-1);
    table.forEach((values, at) => {
      const line = free[at] ?? (last = addBelow(last));
      const inputs = cells(line);
      values.slice(0, room).forEach((value, n) => set(inputs[start + n], value.trim()));
    });
    say(table.length === 1 ? "pastedOne" : "pasted", { n: table.length });
  });
  input.focus();
});

// Keys

const help = document.getElementById("keys");
const typing = (e) => e.target.closest("input, textarea, select");

document.addEventListener("keydown", (e) => {
  const command = e.ctrlKey || e.metaKey;
  const shifted = e.altKey && e.shiftKey && !command;
  let done = true;
  if (e.key === "F1" || (e.key === "?" && !typing(e))) help.showModal();
  else if (command && !e.altKey && e.key.toLowerCase() === "s") form.querySelector(".bar [value=save]")?.click();
  else if (e.altKey && !e.shiftKey && e.key === "Enter" && body) add();
  else if (command && !e.altKey && !e.shiftKey && e.key.toLowerCase() === "z") done = takeBack();
  else if (shifted && e.key === "ArrowDown") copy();
  else if (shifted && e.key === "PageUp") shift(-1);
  else if (shifted && e.key === "PageDown") shift(1);
  else if (shifted && e.code === "KeyS") split();
  else if (shifted && e.code === "KeyM") merge();
  else if (shifted && (e.key === "Delete" || e.key === "Backspace")) remove();
  else if (!command && !e.altKey && !e.shiftKey && e.key.startsWith("Arrow") && e.target.matches?.("td.cell input")) {
    done = move(e.target, e.key);
  } else done = false;
  if (!done) return;
  e.preventDefault();
  // Enter alone means the next value to look at.
  e.stopPropagation();
}, { capture: true });

const opener = form.querySelector("[data-help]");
if (opener) {
  opener.hidden = false;
  opener.addEventListener("click", () => help.showModal());
}
const tools = form.querySelector(".more-tools");
if (tools) {
  tools.hidden = false;
  tools.querySelector("[data-up-line]").addEventListener("click", () => shift(-1));
  tools.querySelector("[data-down-line]").addEventListener("click", () => shift(1));
  tools.querySelector("[data-undo-line]").addEventListener("click", () => takeBack(true) || say("nothing"));
  tools.querySelector("[data-copy-line]").addEventListener("click", copy);
  tools.querySelector("[data-split-line]").addEventListener("click", split);
  tools.querySelector("[data-merge-line]").addEventListener("click", merge);
}
