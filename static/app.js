// What HTML, CSS and htmx cannot do alone. Every page works without this file.
"use strict";

const dialog = document.getElementById("dialog");

const copyFailed = (what) => `Could not copy. The ${what} is selected: press Ctrl+C (or ⌘C).`;

// ---- The sidebar scrolls sideways on a phone; the entry of this page is in sight.

document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });

// ---- Pop-up: htmx fills it, the browser keeps the focus inside and gives it back afterwards.

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target === dialog && !dialog.open) dialog.showModal();
});

document.addEventListener("dialog:close", () => {
  dialog.close();
  document.querySelector(".reveal [data-copy]")?.focus();
});

// An answer on its way still needs the form: it may bring messages.
dialog?.addEventListener("cancel", (event) => {
  if (dialog.querySelector(".htmx-request")) event.preventDefault();
});

// ---- Clicks, caught in one place because htmx brings new buttons.

const CLICKS = {
  "[data-copy]": (button) => copy(button),
  "[data-dismiss]": (button) => button.closest(".toast").remove(),
  "[data-dialog-close]": (button, event) => {
    if (!button.closest("dialog")) return;
    event.preventDefault();
    dialog.close();
  },
  "[data-reveal-done]": (link, event) => {
    event.preventDefault();
    const reveal = link.closest(".reveal");
    const row = reveal.previousElementSibling;
    reveal.remove();
    row?.querySelector("[role=switch]")?.focus();
  },
};

document.addEventListener("click", (event) => {
  for (const [selector, act] of Object.entries(CLICKS)) {
    const element = event.target.closest(selector);
    if (element) act(element, event);
  }
});

// ---- Copying: the clipboard where there is one (https and localhost), the selection elsewhere.

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const box = button.closest(".copyable");
  const copied = navigator.clipboard
    ? await navigator.clipboard.writeText(source.textContent).then(() => true, () => copySelection(source))
    : copySelection(source);

  const failed = copyFailed(box.closest(".reveal") ? "key" : "text");
  box.querySelector("[data-copy-failed]").textContent = copied ? "" : failed;
  if (copied) showCopied(button, box.querySelector("[data-copy-done]"));
}

function copySelection(source) {
  getSelection().selectAllChildren(source);
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  }
}

function showCopied(button, announcement) {
  if (button.classList.contains("is-copied")) return;
  const label = button.querySelector("[data-copy-label]");
  const text = label.textContent;
  label.textContent = announcement.textContent = "Copied";
  button.classList.add("is-copied");
  setTimeout(() => {
    label.textContent = text;
    announcement.textContent = "";
    button.classList.remove("is-copied");
  }, 2000);
}

// ---- A key shown once must not come back with the Back button.

addEventListener("pagehide", () => {
  for (const reveal of document.querySelectorAll(".reveal")) reveal.remove();
});

// ---- A new toast takes the place of the one before, so that they never cover the table. They leave by
// a CSS animation; what has left is taken away.

document.addEventListener("animationend", ({ animationName, target }) => {
  if (animationName === "toast-out") target.remove();
});

// ---- Requests that never got an answer.

document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (!ctx || ctx.response || asksByItself(ctx)) return;
  const slot = ctx.sourceElement.querySelector(".form__message");
  if (slot) slot.replaceChildren(fromTemplate("no-answer-alert"));
  else document.getElementById("toasts").replaceChildren(fromTemplate("no-answer-toast"));
});

function fromTemplate(id) {
  return document.getElementById(id).content.cloneNode(true);
}

// A button that is disabled while its request runs loses the focus; it gets it back.
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  ctx.focused = document.activeElement;
});

// ---- What asks again by itself waits while nobody looks, or somebody types in the pop-up, and fails without a word.

const asksByItself = (ctx) => ctx.sourceElement.matches("[hx-trigger^=every]");

document.addEventListener("htmx:before:request", (event) => {
  if (asksByItself(event.detail.ctx) && (document.hidden || dialog.open)) event.preventDefault();
});

document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  queueMicrotask(() => {
    const lost = [document.body, dialog].includes(document.activeElement);
    if (lost && ctx.focused?.isConnected) ctx.focused.focus();
  });
});

// ---- Plain forms: a second click would throw away the answer to the first.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "true";
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
});

document.addEventListener("change", ({ target }) => {
  if (target.closest("[data-autosubmit]")) target.form.requestSubmit();
});

// ---- What a text costs while it is typed, counted as in src/domain/message/sms_text.rs.

const GSM_ONCE = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const GSM_TWICE = new Set("\f^{}\\[~]|€");
const MAX_SEGMENTS = 10;

function segmentsOf(text) {
  const characters = [...text.normalize("NFC")];
  const isGsm = characters.every((character) => GSM_ONCE.has(character) || GSM_TWICE.has(character));
  const sizes = characters.map((character) => (isGsm ? 1 + GSM_TWICE.has(character) : character.length));
  const [single, part] = isGsm ? [160, 153] : [70, 67];
  if (sizes.reduce((sum, size) => sum + size, 0) <= single) return 1;
  let [segments, used] = [1, 0];
  for (const size of sizes) {
    used += size;
    if (used > part) [segments, used] = [segments + 1, size];
  }
  return segments;
}

document.addEventListener("input", ({ target: { form } }) => {
  const cost = form?.querySelector("[data-cost]");
  if (!cost) return;
  const text = form.elements.text.value;
  const counted = (number, unit) => `${number} ${unit}${number === 1 ? "" : "s"}`;
  const segments = segmentsOf(text);
  const credits = form.elements.mode.value === cost.dataset.cost ? counted(segments, "credit") : "no credits";
  const known = segments > MAX_SEGMENTS ? `${MAX_SEGMENTS} is the most` : credits;
  cost.textContent = text.trim() ? `${counted(segments, "segment")}, ${known}` : "";
});

// ---- Times in the reader's own zone; UTC stays in the tooltip. What says how long it is past has the time there.

// By hand, as the server writes them: setting up Intl.DateTimeFormat takes longer than all else in this file.
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function showLocalTimes() {
  for (const time of document.querySelectorAll("time[datetime]:not([title])")) {
    time.title = time.textContent;
    time.textContent = localText(new Date(time.dateTime));
  }
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const when = new Date(time.dateTime);
    time.title = `${localText(when)}:${twoDigits(when.getSeconds())}`;
  }
}

function localText(time) {
  const [hours, minutes] = [time.getHours(), time.getMinutes()].map(twoDigits);
  return `${time.getDate()} ${MONTHS[time.getMonth()]} ${time.getFullYear()}, ${hours}:${minutes}`;
}

function twoDigits(number) {
  return String(number).padStart(2, "0");
}

document.addEventListener("htmx:after:swap", showLocalTimes);
showLocalTimes();

// ---- "2 minutes ago" goes on while the page is open, from what the server counted: this machine's clock may be wrong.

const AGES = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
const firstSeen = new WeakMap();

function moveAges() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const written = time.dataset.ago;
    if (firstSeen.get(time)?.written !== written) firstSeen.set(time, { written, at: Date.now() });
    const since = written ? firstSeen.get(time).at - Number(written) * 1000 : Date.parse(time.dateTime);
    const words = ageInWords((Date.now() - since) / 1000);
    if (time.textContent !== words) time.textContent = words;
  }
}

function ageInWords(seconds) {
  for (const [unit, length] of AGES) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
  }
  return "just now";
}

// Where the order of events counts, times have seconds.
function showSeconds() {
  for (const time of document.querySelectorAll("time[data-seconds]")) {
    const when = new Date(time.dateTime);
    time.textContent = `${localText(when)}:${twoDigits(when.getSeconds())}`;
  }
}

document.addEventListener("htmx:after:swap", () => {
  moveAges();
  showSeconds();
});
document.addEventListener("visibilitychange", moveAges);
setInterval(moveAges, 10_000);
moveAges();
showSeconds();

// ---- A filter asks for days as the reader has them, and its address has no empty parts.

document.addEventListener("formdata", ({ target, formData }) => {
  if (!target.matches("[data-filter]")) return;
  const day = formData.get("from") || formData.get("to");
  formData.set("utc_offset", day ? String(-new Date(`${day}T00:00`).getTimezoneOffset()) : "");
  for (const [name, value] of [...formData]) {
    if (value === "") formData.delete(name);
  }
});

// ---- A filter leads to the page it was on: the focus and the scrolling stay where they were.

const PLACE = "keyfob-place";

function keepPlace(element) {
  const place = { path: location.pathname, id: element?.id, scroll: scrollY };
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(place));
  } catch {
    // Without storage the page begins at its top.
  }
}

function takePlace() {
  try {
    const place = JSON.parse(sessionStorage.getItem(PLACE));
    sessionStorage.removeItem(PLACE);
    return place;
  } catch {
    return null;
  }
}

document.addEventListener("submit", ({ target }) => {
  if (target.matches("[data-filter]")) keepPlace(document.activeElement);
});

document.addEventListener("click", ({ target }) => {
  const link = target.closest("a[data-keeps-place]");
  if (link) keepPlace(link);
});

const place = takePlace();
if (place?.path === location.pathname) {
  document.getElementById(place.id)?.focus({ preventScroll: true });
  scrollTo(0, place.scroll);
}
