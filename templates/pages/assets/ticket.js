// Tickets, live: news as they happen, who else is at it, and the answer kept while it is written. All works without.

const others = document.querySelector(".others");
const news = document.querySelector(".news");
const said = (who) => (who.writing ? others.dataset.writes : others.dataset.is).replace("{who}", who.name);

// Browsers hold few connections to one site: only the page that is seen keeps one.
let live = null;
let since = news.dataset.change;
function watch() {
  live?.close();
  live = null;
  if (document.hidden) return;
  live = new EventSource(`/live?since=${since}${others ? `&ticket=${others.dataset.ticket}` : ""}`);
  live.addEventListener("change", (e) => {
    since = e.data;
    news.hidden = false;
  });
  live.addEventListener("others", (e) => {
    const list = JSON.parse(e.data);
    others.textContent = list.map(said).join(" ");
    others.hidden = !list.length;
  });
}
watch();
document.addEventListener("visibilitychange", watch);
addEventListener("pagehide", () => live?.close());

// What is written is kept while it is written, and its last words when the page is left or a form is sent. A form that
// was sent says so by its key, so that nothing of it comes back.
const boxes = [...document.querySelectorAll("textarea[data-keep]")];
if (boxes.length) {
  const fields = ["to", "cc", "text", "letter", "once", "note", "note_once"];
  const said = (text) => boxes.forEach((box) => { box.form.querySelector(".kept").textContent = text; });
  let timer = 0;
  let dirty = false;
  const keep = async () => {
    clearTimeout(timer);
    timer = 0;
    if (!dirty) return;
    dirty = false;
    const body = new URLSearchParams({ csrf: boxes[0].form.elements.csrf.value });
    for (const { form } of boxes) for (const name of fields) if (form.elements[name]) body.append(name, form.elements[name].value);
    if (!body.has("letter") && body.has("text")) body.append("letter", "");
    // A request that outlives its page may hold 64 KB.
    const keepalive = body.toString().length < 60000;
    const answer = await fetch(boxes[0].dataset.keep, { method: "POST", body, keepalive }).catch(() => null);
    if (!answer?.ok) dirty = true;
    else if (!dirty) said(boxes[0].form.querySelector(".kept").dataset.kept);
  };
  for (const { form } of boxes) {
    form.addEventListener("input", () => {
      dirty = true;
      said("");
      timer ||= setTimeout(keep, 1500);
    });
    form.addEventListener("submit", keep);
  }
  addEventListener("pagehide", keep);
  document.addEventListener("visibilitychange", () => document.hidden && keep());
}

// Tickets are picked all at once, or a range of them with the shift key.
const all = document.querySelector(".pick .all");
if (all) {
  const picks = [...document.querySelectorAll(".pick input[name=ticket]")];
  let last = -1;
  all.hidden = false;
  all.addEventListener("change", () => picks.forEach((pick) => { pick.checked = all.checked; }));
  picks.forEach((pick, at) => pick.addEventListener("click", (e) => {
    if (e.shiftKey && last >= 0) picks.slice(Math.min(at, last), Math.max(at, last) + 1).forEach((p) => { p.checked = pick.checked; });
    last = at;
  }));
}
