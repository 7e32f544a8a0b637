// The review page: the value in hand is lit on its page and the other way round; Enter goes to the next value that
// needs a look, the least sure first; lines are added and removed in place. All of it works without, by page loads.

const form = document.getElementById("review");
const sheets = document.querySelector(".sheets");
const approve = document.getElementById("approve");
const status = form.querySelector("[data-left]");

// Page and value

let lit = null;
function light(box) {
  if (lit) delete lit.dataset.lit;
  lit = box;
  if (!box) return;
  box.dataset.lit = "";
  const inner = box.getBoundingClientRect();
  const outer = sheets.getBoundingClientRect();
  if (inner.top < outer.top + 20 || inner.bottom > outer.bottom - 20) {
    sheets.scrollTop += inner.top - outer.top - outer.height / 3;
  }
  if (inner.left < outer.left || inner.right > outer.right) {
    sheets.scrollLeft += inner.left - outer.left - 40;
  }
}
const boxOf = (input) => sheets.querySelector(`a[href="#${CSS.escape(input.id)}"]`);

form.addEventListener("focusin", (e) => e.target.id && light(boxOf(e.target)));
sheets.addEventListener("click", (e) => {
  const box = e.target.closest("a.box");
  const input = box && document.getElementById(box.getAttribute("href").slice(1));
  if (!input) return;
  e.preventDefault();
  input.focus();
  input.select?.();
});
// The value in hand is lit anyhow: Tab goes from field to field.
form.querySelectorAll(".locate").forEach((link) => (link.tabIndex = -1));
form.addEventListener("click", (e) => {
  const link = e.target.closest(".locate");
  if (!link) return;
  e.preventDefault();
  link.parentElement.querySelector("input, textarea, select")?.focus();
});

// Enter: next value that needs a look

const asking = () =>
  [...form.querySelectorAll("[data-attention]")]
    .filter((i) => !i.closest("tr")?.querySelector(".gone :checked"))
    .sort((a, b) => a.dataset.attention - b.dataset.attention);
const left = () => asking().filter((i) => !("seen" in i.dataset));

function tell() {
  if (!status) return;
  const n = left().length;
  const { left: many, leftOne, leftNone } = status.dataset;
  status.textContent = n === 0 ? leftNone : n === 1 ? leftOne : many.replace("{n}", n);
}

function next(from) {
  if (from && "attention" in from.dataset) from.dataset.seen = "";
  tell();
  const target = left().find((i) => i !== from) ?? approve;
  const fold = target?.closest("details");
  if (fold) fold.open = true;
  target?.focus();
  target?.select?.();
}

form.addEventListener("keydown", (e) => {
  if (e.key !== "Enter") return;
  if (e.ctrlKey || e.metaKey) {
    e.preventDefault();
    if (!e.repeat) approve?.click();
  } else if (e.target.matches("input:not([type=checkbox]), textarea, select") && !e.shiftKey) {
    e.preventDefault();
    next(e.target);
  }
});
// A person who changed a value has looked at it.
form.addEventListener("change", (e) => {
  if ("attention" in e.target.dataset) e.target.dataset.seen = "";
  const sure = e.target.closest(".field")?.querySelector(".sure");
  if (sure) {
    const taught = form.elements[`p.${e.target.name}`];
    sure.className = "sure sure-typed";
    sure.textContent = `✎ ${taught ? form.dataset.taught : form.dataset.typed}`;
  }
  const cell = e.target.closest("td.cell");
  if (cell) cell.className = cell.className.replace(/cell-\w+/, "cell-typed");
  tell();
  sum();
});

// Lines

const body = form.querySelector(".lines tbody");
const rows = () => [...(body?.querySelectorAll("tr[data-line]") ?? [])];
const isGone = (row) => Boolean(row.querySelector(".gone :checked"));

let highest = rows().reduce((most, row) => Math.max(most, Number(row.dataset.line)), -1);

// A new empty line below another, or none if the grid has no line to copy. Its findings stay with the other.
export function addBelow(after) {
  if (!after) return null;
  const number = (highest += 1);
  const row = after.cloneNode(true);
  row.dataset.line = number;
  row.querySelectorAll("td.cell").forEach((cell) => (cell.className = cell.className.replace(/cell-\w+/, "cell-empty")));
  row.querySelectorAll("input").forEach((input) => {
    input.name = input.name.replace(/^l\.\d+\./, `l.${number}.`);
    if (input.id) input.id = input.id.replace(/^l-\d+-/, `l-${number}-`);
    delete input.dataset.attention;
    delete input.dataset.seen;
    if (input.type === "checkbox") input.checked = false;
    else input.value = "";
    input.title = "";
  });
  lastOf(after).after(row);
  return row;
}
// A line with the row of its findings below it.
const lastOf = (row) => (row.nextElementSibling?.matches(".notes") ? row.nextElementSibling : row);

// Numbers, count and sum as the lines stand now.
export function recount() {
  let n = 0;
  for (const row of rows()) {
    const gone = isGone(row);
    row.querySelector("th").textContent = gone ? "" : (n += 1);
  }
  const count = form.querySelector("[data-count]");
  if (count) count.textContent = n === 1 ? count.dataset.countOne : count.dataset.count.replace("{n}", n);
  sum();
}
form.addEventListener("change", (e) => e.target.closest(".gone") && recount());
// The lines go out in the order in which they stand.
form.addEventListener("formdata", (e) => body && e.formData.set("order", rows().map((row) => row.dataset.line).join(",")));

form.querySelector("[data-add-line]")?.addEventListener("click", (e) => {
  const row = addBelow(rows().at(-1));
  if (!row) return;
  e.preventDefault();
  recount();
  row.querySelector("input")?.focus();
});

// How the reader's language writes a number.
const mark = (type) =>
  new Intl.NumberFormat(document.documentElement.lang).formatToParts(12345.6).find((p) => p.type === type)?.value ?? "";
const [thousands, decimal] = [mark("group"), mark("decimal")];

// A sum's currency, or a percent sign.
const UNIT = /^(\p{Sc}|\p{L}{2,3}\.?)|(\p{Sc}|\p{L}{2,3}\.?|%)$/gu;

// A number as the reader types it, with a dot and no thousands marks: as the server will read it.
export function plain(typed) {
  const packed = typed.replace(/[\s']/g, "").replace(UNIT, "");
  const [dot, comma] = [packed.lastIndexOf("."), packed.lastIndexOf(",")];
  let point = dot > comma ? "." : comma > dot ? "," : null;
  if (point && Math.min(dot, comma) < 0) {
    const [first, ...rest] = packed.replace(/^[-+]/, "").split(point);
    const grouped = point === thousands && /^[1-9]\d{0,2}$/.test(first) && rest.every((g) => g.length === 3);
    if (rest.length > 1 || grouped) point = null;
  }
  return [...packed].map((c) => (c === point ? "." : c === "." || c === "," ? "" : c)).join("");
}

// A number with a dot as the reader writes it, without thousands marks.
export const written = (number) => String(number).replace(".", decimal);

function sum() {
  const output = form.querySelector("[data-sum]");
  if (!output) return;
  let total = 0n;
  const scale = 4;
  for (const input of form.querySelectorAll("tr[data-line]:not(:has(.gone :checked)) .c-amount input")) {
    const match = plain(input.value).match(/^(-?)(\d+)(?:\.(\d{1,4}))?$/);
    if (!match) continue;
    const digits = BigInt(match[2] + (match[3] ?? "").padEnd(scale, "0"));
    total += match[1] ? -digits : digits;
  }
  const text = (total < 0n ? -total : total).toString().padStart(scale + 1, "0");
  const exact = `${total < 0n ? "-" : ""}${text.slice(0, -scale)}.${text.slice(-scale)}`;
  const local = new Intl.NumberFormat(document.documentElement.lang, {
    minimumFractionDigits: 2, maximumFractionDigits: scale,
  });
  output.textContent = local.format(exact);
}
form.addEventListener("input", (e) => e.target.closest(".c-amount") && sum());

// Zoom, turn and pan

let zoom = 100;
let turned = 0;

// A page on its side is as wide as the page upright, and its box in the column is as high as it looks.
function turn(svg) {
  const { width, height } = svg.dataset;
  const side = width / height;
  const lying = turned % 180 !== 0;
  svg.style.transformOrigin = lying ? "0 0" : "50% 50%";
  svg.style.width = lying ? `${100 * side}%` : "";
  svg.style.marginBottom = lying ? `${100 * (side - 1)}%` : "";
  svg.style.transform = { 0: "", 90: "rotate(90deg) translateY(-100%)", 180: "rotate(180deg)", 270: "rotate(270deg) translateX(-100%)" }[turned];
}

function view(how) {
  if (how === "turn") {
    turned = (turned + 90) % 360;
    sheets.querySelectorAll(".sheet svg").forEach(turn);
  } else {
    zoom = how === "fit" ? 100 : Math.min(400, Math.max(50, zoom * (how === "in" ? 1.25 : 0.8)));
    sheets.querySelectorAll(".sheet").forEach((sheet) => (sheet.style.width = `${zoom}%`));
  }
  if (lit) light(lit);
}
const tools = document.querySelector(".zoom");
if (tools) {
  tools.hidden = false;
  tools.addEventListener("click", (e) => e.target.dataset.zoom && view(e.target.dataset.zoom));
}
document.addEventListener("keydown", (e) => {
  const how = e.altKey && !e.ctrlKey && { "+": "in", "-": "out", 0: "fit", t: "turn" }[e.key.toLowerCase()];
  const way = e.shiftKey && { PageUp: -1, PageDown: 1 }[e.key];
  if (!how && !way) return;
  e.preventDefault();
  if (how) view(how);
  else sheets.scrollBy({ top: way * sheets.clientHeight * 0.8 });
});

// The queue: previous and next draft

document.addEventListener("keydown", (e) => {
  if (!e.altKey || e.ctrlKey || e.metaKey) return;
  const way = { PageUp: "prev", PageDown: "next" }[e.key];
  const link = way && document.querySelector(`.place a[rel=${way}]`);
  if (!link) return;
  e.preventDefault();
  link.click();
});

// What the draft costs: keys pressed, and time in front of the page while it is in use

// Seconds without a key or the mouse after which nobody is there.
const AWAY_S = 60;
let [keys, seconds, idle] = [0, 0, 0];
document.addEventListener("keydown", (e) => {
  if (!e.repeat) keys += 1;
  idle = 0;
}, { capture: true });
document.addEventListener("pointermove", () => (idle = 0));
setInterval(() => {
  if (document.visibilityState === "visible" && idle < AWAY_S) seconds += 1;
  idle += 1;
}, 1000);
document.addEventListener("formdata", (e) => {
  if (!e.target.getAttribute("action")?.startsWith(form.getAttribute("action"))) return;
  e.formData.set("effort_ms", seconds * 1000);
  e.formData.set("effort_keys", keys);
});

// Unsaved changes are not lost by a wrong click.
let dirty = false;
form.addEventListener("input", () => {
  dirty = true;
  if (approve) approve.textContent = approve.dataset.changed;
});
// A double click on the approval of one draft is none of the next one, nor of what it was asked about.
const UNSEEN_MS = 1000;
const shown = performance.now();
const follows = /[?&](was|ask)=/.test(location.search);
form.addEventListener("submit", (e) => {
  if (follows && e.submitter?.value === "approve" && performance.now() - shown < UNSEEN_MS) e.preventDefault();
  else dirty = false;
});
// A key that is held down decides once.
document.addEventListener("keydown", (e) => e.repeat && e.key === "Enter" && e.preventDefault(), { capture: true });
addEventListener("beforeunload", (e) => dirty && e.preventDefault());

tell();
// Nothing to look at: the focus is on the approval, and the page stays at its top.
const held = document.querySelector("[data-held]") ?? document.querySelector(".held a");
const asked = document.querySelector(".otherwise [autofocus]");
if (held) held.focus();
else if (asked) asked.focus();
else if (approve && !location.hash) left().length ? next(null) : approve.focus({ preventScroll: true });
