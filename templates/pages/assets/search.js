// The search page: names of fields and their values are offered while typing; j and k walk the hits, Enter opens.

const box = document.getElementById("q");
const fields = JSON.parse(box.dataset.fields);

// The word under the cursor, and what could stand there instead.
function offers() {
  const end = box.selectionStart;
  const before = box.value.slice(0, end);
  const [word] = /[^\s()|"]*$/.exec(before);
  const sign = word.startsWith("-") ? "-" : "";
  const bare = word.slice(sign.length);
  const start = end - word.length;
  const colon = bare.indexOf(":");
  let list = [];
  if (colon > 0) {
    const field = fields.find((f) => f.name === bare.slice(0, colon).toLowerCase());
    const begun = bare.slice(colon + 1).toLowerCase();
    list = (field?.values ?? []).filter((v) => v.includes(begun) && v !== begun).map((v) => `${sign}${field.name}:${v} `);
  } else if (bare.length > 0) {
    list = fields.filter((f) => f.name.startsWith(bare.toLowerCase())).map((f) => `${sign}${f.name}${f.name === "amount" ? ">" : ":"}`);
  }
  return { start, end, list };
}

const menu = document.createElement("ul");
menu.className = "offers";
menu.id = "offers";
menu.hidden = true;
menu.setAttribute("role", "listbox");
menu.setAttribute("aria-label", box.dataset.list);
box.after(menu);
box.setAttribute("role", "combobox");
box.setAttribute("aria-controls", "offers");
box.setAttribute("aria-expanded", "false");
box.setAttribute("aria-autocomplete", "list");
let shown = { list: [] };
let chosen = -1;

function close() {
  menu.hidden = true;
  chosen = -1;
  box.setAttribute("aria-expanded", "false");
  box.removeAttribute("aria-activedescendant");
}

function open() {
  shown = offers();
  chosen = -1;
  menu.replaceChildren(...shown.list.slice(0, 14).map((text, i) => {
    const item = document.createElement("li");
    item.id = `offer-${i}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.textContent = text.trim();
    item.addEventListener("mousedown", (e) => { e.preventDefault(); take(i); });
    return item;
  }));
  menu.hidden = !menu.children.length;
  box.setAttribute("aria-expanded", String(!menu.hidden));
}

function choose(i) {
  chosen = (i + menu.children.length) % menu.children.length;
  [...menu.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
  box.setAttribute("aria-activedescendant", `offer-${chosen}`);
  menu.children[chosen].scrollIntoView({ block: "nearest" });
}

function take(i) {
  const text = shown.list[i];
  box.setRangeText(text, shown.start, shown.end, "end");
  close();
  if (!text.endsWith(" ")) open();
}

box.addEventListener("input", open);
box.addEventListener("blur", close);
box.addEventListener("keydown", (e) => {
  if (menu.hidden) return;
  if (e.key === "ArrowDown") choose(chosen + 1);
  else if (e.key === "ArrowUp") choose(chosen - 1);
  else if (e.key === "Escape") close();
  else if ((e.key === "Enter" || e.key === "Tab") && chosen >= 0) take(chosen);
  else return;
  e.preventDefault();
});

const hits = [...document.querySelectorAll(".hit .go")];
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, textarea, select")) return;
  if (e.key !== "j" && e.key !== "k" || !hits.length) return;
  const now = hits.indexOf(document.activeElement);
  const next = hits[Math.min(hits.length - 1, Math.max(0, now + (e.key === "j" ? 1 : -1)))];
  next.focus();
  next.closest(".hit").scrollIntoView({ block: "nearest" });
});
