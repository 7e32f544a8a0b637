// The line grid as a spreadsheet: arrows move, cells come in by paste, lines are doubled, split and removed by key;
// and the card of all keys. Every cell is a plain input, so that all of it works without.

import { plain, written } from "./review.js";

const form = document.getElementById("review");
const body = form.querySelector(".lines tbody");
const adder = form.querySelector("[data-add-line]");
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

// Lines

function set(input, value) {
  if (!input || input.value === value) return;
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

// A new line at the end, as the button makes it.
function add() {
  const before = rows().length;
  adder?.click();
  const all = rows();
  return all.length > before ? all[all.length - 1] : null;
}

// Says why nothing was done, in the words of the page; nothing clears it.
function say(which) {
  const said = form.querySelector("[data-said]");
  if (said) said.textContent = which ? said.dataset[which] : "";
}

const cell = (line, column) => line.querySelector(`.c-${column} input`);

function copy() {
  const from = row;
  const to = from && add();
  if (!to) return null;
  cells(from).forEach((input, n) => set(cells(to)[n], input.value));
  go(to, 0);
  return to;
}

// Whole quantities are halved; what is odd stays with the first. Amounts follow where the price says so.
function split() {
  const from = row;
  const quantity = from && cell(from, "quantity");
  const whole = Number(plain(quantity?.value ?? ""));
  if (!Number.isSafeInteger(whole) || whole < 2) {
    say("split");
    return;
  }
  say();
  const amount = cell(from, "amount");
  const figure = plain(amount?.value ?? "");
  const cents = /^\d+(\.\d{1,2})?$/.test(figure) ? Math.round(Number(figure) * 100) : null;
  const half = Math.floor(whole / 2);
  const to = copy();
  if (!to) return;
  set(quantity, String(whole - half));
  set(cell(to, "quantity"), String(half));
  if (cents !== null) {
    const second = Math.round((cents * half) / whole);
    set(cell(to, "amount"), written((second / 100).toFixed(2)));
    set(amount, written(((cents - second) / 100).toFixed(2)));
  }
  cell(to, "quantity").focus();
}

// Two lines of one item become the first: quantities and amounts add up, what the first lacks comes from the second.
function merge() {
  const all = rows();
  const [from, next] = [row, all[all.indexOf(row) + 1]];
  const same = (column) => {
    const [one, other] = [from, next].map((line) => cell(line, column)?.value.trim() ?? "");
    return one === other || !one || !other;
  };
  if (!from || !next || !same("sku") || !same("unit_price") || !same("unit")) return say("merge");
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
  const gone = next.querySelector(".gone input");
  if (gone && !gone.checked) gone.click();
  from.querySelector("td.cell input").focus();
}

function remove() {
  row?.querySelector(".gone input")?.click();
}

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

// Lines that one paste may add.
const PASTED_MAX = 500;

body?.addEventListener("paste", (e) => {
  const text = e.clipboardData?.getData("text/plain") ?? "";
  const input = e.target.closest("td.cell input");
  if (!input || !/[\t\n]/.test(text.trim())) return;
  e.preventDefault();
  const start = cells(input.closest("tr")).indexOf(input);
  let line = input.closest("tr[data-line]");
  for (const values of parse(text).slice(0, PASTED_MAX)) {
    line ??= add();
    if (!line) break;
    values.forEach((value, n) => set(cells(line)[start + n], value.trim()));
    const all = rows();
    line = all[all.indexOf(line) + 1];
  }
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
  else if (shifted && e.key === "ArrowDown") copy();
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
  tools.querySelector("[data-copy-line]").addEventListener("click", copy);
  tools.querySelector("[data-split-line]").addEventListener("click", split);
  tools.querySelector("[data-merge-line]").addEventListener("click", merge);
}
