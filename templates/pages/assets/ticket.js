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

const box = document.querySelector("textarea[data-keep]");
if (box) {
  const told = box.form.querySelector(".kept");
  let timer = 0;
  const keep = async () => {
    timer = 0;
    const form = new URLSearchParams({ csrf: box.form.elements.csrf.value, text: box.value });
    // it goes out also while the page is left
    const answer = await fetch(box.dataset.keep, { method: "POST", body: form, keepalive: true }).catch(() => null);
    told.textContent = answer?.ok ? told.dataset.kept : "";
  };
  box.addEventListener("input", () => {
    told.textContent = "";
    timer ||= setTimeout(keep, 1500);
  });
  let sent = false;
  box.form.addEventListener("submit", () => {
    clearTimeout(timer);
    sent = true;
  });
  addEventListener("pagehide", () => {
    if (!timer || sent) return;
    clearTimeout(timer);
    keep();
  });
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
