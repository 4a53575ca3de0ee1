"use strict";
// Follows what happens: where something changed, the page is fetched anew and put in the place of what is shown. What the
// reader chose (the view, what is unfolded, how far down) stays as it is. The page can be read without this.

const shown = () => document.querySelector('meta[name="version"]').content;

const remember = () => {
  const active = document.activeElement;
  return {
    view: document.querySelector('input[name="view"]:checked')?.id ?? sessionStorage.getItem("view"),
    open: [...document.querySelectorAll("details[open] > summary")].map((one) => one.id),
    focus: active?.id ? `#${CSS.escape(active.id)}` : active?.getAttribute("href") ? `a[href="${CSS.escape(active.getAttribute("href"))}"]` : null,
    at: window.scrollY,
  };
};

const restore = (kept) => {
  const view = kept.view && document.getElementById(kept.view);
  if (view) view.checked = true;
  for (const one of document.querySelectorAll("summary")) one.parentElement.open = kept.open.includes(one.id);
  if (kept.focus) document.querySelector(kept.focus)?.focus({ preventScroll: true });
  window.scrollTo(0, kept.at);
};

let asking = false;
let told = "";
const renew = async (version) => {
  told = version;
  if (asking || version === "unusable" || version === shown()) return;
  asking = true;
  try {
    const answer = await fetch(location.href, { cache: "no-cache" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const kept = remember();
    for (const part of ["header", "main"]) document.querySelector(part).replaceWith(document.adoptNode(fresh.querySelector(part)));
    document.querySelector('meta[name="version"]').content = fresh.querySelector('meta[name="version"]').content;
    restore(kept);
  } catch {
    // the server is gone for now: EventSource asks again
  } finally {
    asking = false;
  }
  if (told !== version) await renew(told); // it came while this one was fetched
};

const view = document.getElementById(sessionStorage.getItem("view") ?? "");
if (view) view.checked = true;
document.addEventListener("change", (event) => {
  if (event.target.name === "view") sessionStorage.setItem("view", event.target.id);
});

const changes = new URL("changes", document.currentScript.src);
const follow = () => {
  const events = new EventSource(changes);
  events.onmessage = (event) => {
    document.body.classList.remove("lost");
    renew(event.data);
  };
  events.onerror = () => {
    document.body.classList.add("lost");
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, 5000); // a proxy said that the server is gone
  };
};
follow();
