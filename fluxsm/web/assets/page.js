// SPDX-License-Identifier: Apache-2.0
// Keeps the page up to date. Without it the page is whole, as of the moment in which it was loaded.
"use strict";
(() => {
  const PATIENCE = 1500; // milliseconds after which a stream that is cut is said to be so
  const link = document.getElementById("link");
  const live = document.getElementById("live");
  const hint = () => document.getElementById("hint");
  const version = () => document.getElementById("who").dataset.version;
  const first = version();
  let cut = null;

  // Times

  function ago(seconds) {
    const past = seconds >= 0;
    let rest = Math.abs(Math.round(seconds));
    const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
    const place = units.findIndex(([length]) => rest >= length);
    if (place < 0) return "now";
    const parts = [];
    for (const [length, unit] of units.slice(place, place + 2)) {
      const number = Math.floor(rest / length);
      rest -= number * length;
      if (number) parts.push(`${number} ${unit}`);
    }
    return past ? `${parts.join(" ")} ago` : `in ${parts.join(" ")}`;
  }

  function tick() {
    for (const item of document.querySelectorAll("time[data-ago]")) {
      const words = ago((Date.now() - Date.parse(item.dateTime)) / 1000);
      if (!item.title) item.title = item.textContent;
      if (item.textContent !== words) item.textContent = words;
    }
    for (const item of document.querySelectorAll("progress[data-since]")) {
      const passed = (Date.now() - Date.parse(item.dataset.since)) / 1000;
      item.value = Math.min(Math.max(passed, 0), item.max);
    }
  }

  // Sections

  function key(element) {
    return element && (element.dataset.key || element.id || element.getAttribute("href"));
  }

  function replace(name, html) {
    const old = document.getElementById(name);
    if (!old) return;
    const focus = document.activeElement;
    const inside = old.contains(focus) ? key(focus.closest("[data-key],[id],[href]")) : null;
    const open = new Map([...old.querySelectorAll("details")].map((item) => [key(item), item.open]));
    const scrolled = [...old.querySelectorAll(".scroll")].map((item) => item.scrollLeft);
    const parsed = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
    for (const item of parsed.querySelectorAll("details")) item.open = open.get(key(item)) ?? item.open;
    old.replaceWith(parsed);
    parsed.querySelectorAll(".scroll").forEach((item, place) => { item.scrollLeft = scrolled[place] || 0; });
    if (inside) {
      const again = [...parsed.querySelectorAll("[data-key],[id],[href]")].find((item) => key(item) === inside);
      (again?.matches("details") ? again.querySelector("summary") : again)?.focus({ preventScroll: true });
    }
  }

  function say(before) {
    const section = document.getElementById("now");
    const state = section.dataset.state;
    if (state === before) return;
    const words = section.querySelector(".lead").textContent;
    live.textContent = words;
    document.title = state ? `${state} – Flux` : "Flux";
  }

  function show(sections) {
    const before = document.getElementById("now").dataset.state;
    for (const [name, html] of Object.entries(sections)) replace(name, html);
    if (version() !== first) location.reload();
    tick();
    say(before);
  }

  // The stream

  function connected() {
    clearTimeout(cut);
    cut = null;
    link.classList.remove("cut");
    link.textContent = "Live";
  }

  function disconnected() {
    if (cut !== null) return;
    cut = setTimeout(() => {
      link.classList.add("cut");
      link.textContent = "Disconnected: what is shown may be old. Trying again.";
    }, PATIENCE);
  }

  function open() {
    const source = new EventSource("/api/v1/stream");
    source.addEventListener("open", connected);
    source.addEventListener("page", (event) => {
      connected();
      show(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      disconnected();
      // A browser gives up where the answer is no stream, as while the operator starts.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 1000);
    });
  }

  // What an arrow or a state has to say, for those who use the keyboard

  document.addEventListener("focusin", (event) => {
    const from = event.target.closest?.("svg a");
    const about = from?.querySelector("title")?.textContent;
    if (!hint()) return;
    hint().hidden = !about;
    hint().textContent = about ? `${from.textContent.replace(about, "").trim()}: ${about}` : "";
  });

  tick();
  setInterval(tick, 1000);
  open();
})();
