// Parts of a page with data-live are fetched again every two seconds, until one comes without it.
"use strict";

const PAUSE_MS = 2000;

async function refresh(part) {
  const answer = await fetch(part.dataset.live, { headers: { accept: "text/html" } });
  if (!answer.ok) return part;
  const text = await answer.text();
  const next = new DOMParser().parseFromString(text, "text/html").body.firstElementChild;
  if (!next || next.outerHTML === part.outerHTML) return part;
  // A report stands on the page of a run once it is finished.
  if (!next.dataset.live && part.id === "run") {
    location.reload();
    return part;
  }
  const log = part.querySelector(".log");
  const scroll = log && log.scrollTop + log.clientHeight < log.scrollHeight - 8 ? log.scrollTop : null;
  const focus = [...part.querySelectorAll("a, button, pre")].indexOf(document.activeElement);
  part.replaceWith(next);
  const newLog = next.querySelector(".log");
  if (newLog) newLog.scrollTop = scroll === null ? newLog.scrollHeight : scroll;
  const again = focus < 0 ? null : next.querySelectorAll("a, button, pre")[focus];
  if (again) again.focus();
  return next;
}

async function follow(part) {
  while (part.dataset.live) {
    await new Promise((done) => setTimeout(done, PAUSE_MS));
    if (document.hidden) continue;
    try {
      part = await refresh(part);
    } catch {
      // The server is away; it may come back.
    }
  }
}

for (const log of document.querySelectorAll(".log")) log.scrollTop = log.scrollHeight;
for (const part of document.querySelectorAll("[data-live]")) follow(part);
