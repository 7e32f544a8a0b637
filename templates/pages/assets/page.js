// Every page: `/` goes to the search box, j and k walk a list, o or Enter opens. All of it works without.

const typing = (e) => e.target.closest("input, textarea, select, [contenteditable]");

function walk(step) {
  const rows = [...document.querySelectorAll(".rows tbody tr:not(.notes)")];
  if (!rows.length) return;
  const now = rows.findIndex((row) => "current" in row.dataset);
  const next = rows[Math.min(rows.length - 1, Math.max(0, now + step))];
  rows.forEach((row) => delete row.dataset.current);
  next.dataset.current = "";
  next.querySelector("a")?.focus();
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || typing(e)) return;
  if (e.key === "/") {
    e.preventDefault();
    (document.getElementById("q") ?? document.getElementById("find"))?.select();
  } else if (e.key === "j") walk(1);
  else if (e.key === "k") walk(-1);
});

// On a telephone the pages stand in one row: the one that is open is in sight.
const row = document.querySelector(".top nav");
const here = row?.querySelector("[aria-current]");
if (here) row.scrollLeft = here.offsetLeft - row.offsetLeft - 40;

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (e) => {
  const form = e.target;
  if (form.method !== "post" || e.defaultPrevented) return;
  if (form.dataset.sent) e.preventDefault();
  form.dataset.sent = "1";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((f) => delete f.dataset.sent));
