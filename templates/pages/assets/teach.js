// A box drawn on the page teaches the value of the field in hand: the words inside go into it, with their place.
// A value can always be typed instead.

const form = document.getElementById("review");
const sheets = document.querySelector(".sheets");
const said = document.querySelector(".taught");
const SVG = "http://www.w3.org/2000/svg";
// Shorter drags, in points of the page, are clicks.
const LEAST = 3;

let field = null;
function hold(input) {
  if (/^[fl]\./.test(input?.name ?? "") && input.type !== "checkbox") field = input;
}
hold(document.activeElement);
form.addEventListener("focusin", (e) => hold(e.target));

let drag = null;

function at(svg, e) {
  const { x, y } = new DOMPoint(e.clientX, e.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const { width, height } = svg.dataset;
  return { x: Math.min(Math.max(x, 0), Number(width)), y: Math.min(Math.max(y, 0), Number(height)) };
}

function put(rect, box) {
  for (const [name, value] of Object.entries(box)) rect.setAttribute(name, value);
}

const between = (a, b) => ({
  x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y),
});

sheets.addEventListener("pointerdown", (e) => {
  const svg = e.target.closest("svg[data-page]");
  if (!svg || e.button !== 0 || e.pointerType === "touch") return;
  drag = { svg, from: at(svg, e), rect: null };
});
sheets.addEventListener("dragstart", (e) => e.preventDefault());
// The field in hand stays in hand.
sheets.addEventListener("mousedown", (e) => e.target.closest("svg[data-page]") && e.preventDefault());

addEventListener("pointermove", (e) => {
  if (!drag) return;
  const box = between(drag.from, at(drag.svg, e));
  if (!drag.rect) {
    if (Math.max(box.width, box.height) < LEAST) return;
    drag.rect = document.createElementNS(SVG, "rect");
    drag.rect.setAttribute("class", "drawn");
    drag.svg.append(drag.rect);
  }
  put(drag.rect, box);
});

addEventListener("pointercancel", () => {
  drag?.rect?.remove();
  drag = null;
});

addEventListener("pointerup", async (e) => {
  if (!drag) return;
  const { svg, from, rect } = drag;
  drag = null;
  if (!rect) return;
  // The click that ends a drag opens no box.
  const swallow = (click) => { click.preventDefault(); click.stopPropagation(); };
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }));
  try {
    await teach(svg, between(from, at(svg, e)));
  } finally {
    rect.remove();
  }
});

async function teach(svg, box) {
  if (!field || field.readOnly) return void (said.textContent = said.dataset.field);
  const target = field;
  const { width, height, page } = svg.dataset;
  const corners = [box.x / width, box.y / height, (box.x + box.width) / width, (box.y + box.height) / height];
  const query = new URLSearchParams({ page, field: target.name.split(".").pop(), corners: corners.join(",") });
  const answer = await fetch(`${form.getAttribute("action")}/words?${query}`);
  const taught = answer.ok ? (await answer.json()).taught : null;
  if (!taught) return void (said.textContent = said.dataset.nothing);
  take(svg, target, taught);
}

// A value with its place on a page goes into an input.
export function take(svg, target, taught) {
  target.value = taught.value;
  let place = form.elements[`p.${target.name}`];
  if (!place) {
    place = document.createElement("input");
    place.type = "hidden";
    place.name = `p.${target.name}`;
    form.append(place);
  }
  place.value = taught.place ?? "";
  if (svg && taught.box) mark(svg, target, taught.box);
  target.dispatchEvent(new Event("input", { bubbles: true }));
  target.dispatchEvent(new Event("change", { bubbles: true }));
  // It is lit as the focus comes back to it.
  target.blur();
  target.focus();
  const label = target.labels?.[0]?.textContent ?? target.getAttribute("aria-label") ?? "";
  said.textContent = `${label}: ${taught.value}`;
}

// The box of a value stands where it was drawn.
function mark(svg, target, [x0, y0, x1, y1]) {
  sheets.querySelector(`a[href="#${CSS.escape(target.id)}"]`)?.remove();
  const link = document.createElementNS(SVG, "a");
  link.setAttribute("class", "box");
  link.setAttribute("href", `#${target.id}`);
  link.setAttribute("tabindex", "-1");
  const rect = document.createElementNS(SVG, "rect");
  const { width, height } = svg.dataset;
  put(rect, {
    x: x0 * width - 1.5, y: y0 * height - 1.5, width: (x1 - x0) * width + 3, height: (y1 - y0) * height + 3,
  });
  link.append(rect);
  svg.append(link);
}

if (said) said.hidden = false;
