// Keeps pages live. Without it, everything works as forms and links; a page then shows what was when it was asked for.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) {
    for (const field of document.querySelectorAll("[data-timezone]")) field.value = zone;
  }

  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-fill]");
    const field = chip && document.getElementById(chip.dataset.fill);
    if (!field || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    field.value = chip.textContent.trim();
    field.focus();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  // Enter sends a sentence; a new line needs Shift.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.id === "sentence") {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });

  document.addEventListener("submit", (event) => {
    const text = event.target.dataset.busy;
    const button = event.target.querySelector("button.primary");
    if (!text || !button) return;
    button.dataset.text = button.textContent;
    button.textContent = text;
    button.setAttribute("aria-busy", "true");
    // After the form was read.
    setTimeout(() => { button.disabled = true; }, 0);
  });
  // A page that comes back from the browser's memory is as it was before it was sent.
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button[data-text]")) {
      button.textContent = button.dataset.text;
      button.disabled = false;
      button.removeAttribute("aria-busy");
      button.removeAttribute("data-text");
    }
  });

  // Changes what is there into what should be there, and leaves alone what a person opened, typed or is at.
  const morph = (old, next) => {
    if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName) {
      old.replaceWith(document.importNode(next, true));
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
      return;
    }
    if (old === document.activeElement && old.matches("input, textarea, select")) return;
    for (const { name } of [...old.attributes]) {
      if (!next.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    }
    for (const { name, value } of next.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    morphChildren(old, next);
  };
  const morphChildren = (old, next) => {
    const known = new Map();
    for (const child of old.children) if (child.id) known.set(child.id, child);
    let cursor = old.firstChild;
    for (const wanted of [...next.childNodes]) {
      const same = wanted.id ? known.get(wanted.id) : null;
      if (same) {
        if (same === cursor) cursor = cursor.nextSibling;
        else old.insertBefore(same, cursor);
        morph(same, wanted);
      } else if (!wanted.id && cursor && !cursor.id && cursor.nodeName === wanted.nodeName) {
        const here = cursor;
        cursor = cursor.nextSibling;
        morph(here, wanted);
      } else {
        old.insertBefore(document.importNode(wanted, true), cursor);
      }
    }
    while (cursor) {
      const gone = cursor;
      cursor = cursor.nextSibling;
      gone.remove();
    }
  };

  let isFetching = false;
  let isWanted = false;
  let lastFetch = 0;
  const EVERY = 1000;
  const refresh = async () => {
    isWanted = false;
    isFetching = true;
    lastFetch = Date.now();
    try {
      const url = location.pathname + location.search;
      const answer = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live][id]")) {
        const next = page.getElementById(part.id);
        if (next) morph(part, next);
      }
    } catch {
      // Not reached; the next event asks again.
    } finally {
      isFetching = false;
      if (isWanted) want();
    }
  };
  const want = () => {
    if (document.hidden || !document.querySelector("main [data-live]")) return;
    if (isWanted && !isFetching) return;
    isWanted = true;
    if (!isFetching) setTimeout(refresh, Math.max(0, lastFetch + EVERY - Date.now()));
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) want(); });

  // The clock goes on between two messages.
  const clock = document.getElementById("clock");
  let base = { at: Number(clock?.dataset.now), heard: performance.now(), speed: Number(clock?.dataset.speed) };
  const two = (number) => String(number).padStart(2, "0");
  const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const showClock = () => {
    // Never further than two seconds ahead of the last message.
    const since = Math.min(performance.now() - base.heard, 2000);
    const at = new Date(base.at + since * base.speed);
    const day = `${days[at.getUTCDay()]} ${at.getUTCDate()} ${months[at.getUTCMonth()]} `;
    const text = clock.querySelector("time");
    const time = text?.querySelector("b");
    if (!time) return;
    if (text.firstChild.nodeValue !== day) text.firstChild.nodeValue = day;
    time.textContent = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
  };
  if (clock) {
    clock.removeAttribute("data-live");
    setInterval(showClock, 200);
  }

  if (window.EventSource) {
    const events = new EventSource("/api/v1/events");
    events.onopen = () => { root.dataset.connection = "live"; };
    events.onerror = () => { root.dataset.connection = "lost"; };
    events.onmessage = (message) => {
      const event = JSON.parse(message.data);
      if (event.kind === "changed") base = { at: Date.parse(event.at), heard: performance.now(), speed: event.speed };
      want();
    };
    window.addEventListener("pagehide", () => events.close());
    window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  }

  // What stands in a plot at the pointer, from its table of numbers.
  const svg = "http://www.w3.org/2000/svg";
  const leave = (figure) => {
    figure.querySelector(".tip")?.remove();
    figure.querySelector(".cross")?.remove();
  };
  document.addEventListener("pointermove", (event) => {
    const figure = event.target.closest?.("[data-plot]");
    for (const other of document.querySelectorAll("[data-plot]:has(.tip)")) if (other !== figure) leave(other);
    const area = figure?.querySelector(".picture");
    if (!area || !event.target.closest(".picture")) {
      if (figure) leave(figure);
      return;
    }
    const data = area.querySelector(".data").getBoundingClientRect();
    const share = (event.clientX - data.left) / data.width;
    const heads = [...figure.querySelectorAll("thead th")].slice(1).map((head) => head.textContent);
    let nearest = null;
    for (const row of figure.querySelectorAll("tbody tr")) {
      const distance = Math.abs(Number(row.dataset.x) - share);
      if (!nearest || distance < nearest.distance) nearest = { row, distance };
    }
    if (share < -0.02 || share > 1.02 || !nearest) return leave(figure);
    const tip = figure.querySelector(".tip") ?? figure.appendChild(document.createElement("div"));
    tip.className = "tip";
    tip.setAttribute("aria-hidden", "true");
    const lines = [nearest.row.querySelector("th").textContent];
    [...nearest.row.querySelectorAll("td")].forEach((cell, at) => lines.push(`${heads[at]} ${cell.textContent}`));
    tip.replaceChildren(...lines.map((line, at) => {
      const element = document.createElement(at ? "div" : "b");
      element.textContent = line;
      return element;
    }));
    const x = Number(nearest.row.dataset.x);
    const frame = figure.getBoundingClientRect();
    const left = data.left - frame.left + x * data.width;
    tip.style.top = `${data.top - frame.top + 4}px`;
    tip.style.left = x > 0.5 ? "auto" : `${left + 10}px`;
    tip.style.right = x > 0.5 ? `${frame.width - left + 10}px` : "auto";
    const cross = figure.querySelector(".cross") ?? area.appendChild(document.createElementNS(svg, "line"));
    cross.setAttribute("class", "cross");
    cross.setAttribute("y1", "0");
    cross.setAttribute("y2", "100%");
    cross.setAttribute("x1", `${100 * x}%`);
    cross.setAttribute("x2", `${100 * x}%`);
  });
})();
