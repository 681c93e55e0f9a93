// What HTML, CSS and htmx cannot do alone. Every page works without this file.
"use strict";

const dialog = document.getElementById("dialog");

const copyFailed = (what) => `Could not copy. The ${what} is selected: press Ctrl+C (or ⌘C).`;

// An answer on its way decides what becomes of the pop-up, which stays open for it.
const isWaiting = () => dialog.querySelector(".htmx-request, [data-sent]") !== null;

// ---- Pop-up: htmx fills it, the browser keeps the focus inside and gives it back afterwards.

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target === dialog && !dialog.open) dialog.showModal();
});

// A second pop-up that was asked for before the first one opened would take away what is typed by now.
document.addEventListener("htmx:before:swap", (event) => {
  const { target, sourceElement } = event.detail.ctx;
  if (target === dialog && dialog.open && !dialog.contains(sourceElement)) event.preventDefault();
});

// Only the answer to the pop-up that is open closes it.
document.addEventListener("dialog:close", ({ target }) => {
  if (!dialog.contains(target)) return;
  dialog.close();
  // The new key may have brought the first page of the list along.
  const list = document.querySelector("[data-list-url]");
  if (list) history.replaceState(null, "", list.dataset.listUrl);
  document.querySelector(".reveal [data-copy]")?.focus();
});

dialog?.addEventListener("cancel", (event) => {
  if (isWaiting()) event.preventDefault();
});

// ---- Clicks, caught in one place because htmx brings new buttons.

const CLICKS = {
  "[data-copy]": (button) => copy(button),
  "[data-dialog-close]": (button, event) => {
    if (!button.closest("dialog")) return;
    event.preventDefault();
    if (!isWaiting()) dialog.close();
  },
  "[data-reveal-done]": (link, event) => {
    event.preventDefault();
    const reveal = link.closest(".reveal");
    const row = reveal.previousElementSibling;
    reveal.remove();
    (row?.querySelector("[role=switch]") ?? row?.querySelector("a"))?.focus();
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

  const failed = copyFailed(button.dataset.copyWhat ?? "text");
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

// ---- A new toast takes the place of the one before, so that they never cover the table. Clicks go through
// it. It leaves by a CSS animation, at Escape, or at a press on its place; what has left is taken away.

document.addEventListener("animationend", ({ animationName, target }) => {
  if (animationName === "toast-out") target.remove();
});

document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && !dialog?.open) document.getElementById("toasts")?.replaceChildren();
});

document.addEventListener("pointerdown", ({ clientX, clientY, target }) => {
  if (target.closest?.(".toast__undo")) return;
  for (const toast of document.querySelectorAll(".toast")) {
    const { left, right, top, bottom } = toast.getBoundingClientRect();
    if (left <= clientX && clientX <= right && top <= clientY && clientY <= bottom) toast.remove();
  }
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
  // After a download the page stays, and its form can be sent again.
  if (event.defaultPrevented || form.matches("[data-download]")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "true";
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
});

// ---- A list to choose from leads on when something was picked. With the arrow keys every choice on the way would
// be one, so there Enter or leaving the list is awaited (WCAG 3.2.2).

let isChosenByKeys = false;

document.addEventListener("pointerdown", () => {
  isChosenByKeys = false;
});

document.addEventListener("keydown", (event) => {
  isChosenByKeys = true;
  if (event.key === "Enter" && followChoice(event.target)) event.preventDefault();
});

document.addEventListener("change", ({ target }) => {
  if (!isChosenByKeys) followChoice(target);
});

document.addEventListener("focusout", ({ target }) => setTimeout(followChoice, 0, target));

function followChoice(select) {
  if (!select.closest?.("[data-autosubmit]")) return false;
  const isChanged = [...select.options].some((option) => option.selected !== option.defaultSelected);
  if (isChanged && !select.form.dataset.sent) select.form.requestSubmit();
  return isChanged;
}

// ---- The title of the pop-up follows the service that is chosen in it.

document.addEventListener("change", ({ target }) => {
  const name = document.querySelector("#dialog-title [data-service-name]");
  if (name && target.matches("[data-names-title]")) name.textContent = target.selectedOptions[0].textContent;
});

// ---- The end of a key is written out while it is chosen: in UTC, and in the reader's own zone where that is another.

function showKeyEnd(field) {
  const [select, day, words] = ["select", "[type=date]", "[data-key-end-words]"].map((part) => field.querySelector(part));
  const option = select.selectedOptions[0];
  const moment = option.value === "date" ? day.value && `${day.value}T23:59:59Z` : option.dataset.moment;
  words.dataset.rule ??= words.textContent;
  words.textContent = moment ? endInWords(new Date(moment)) : words.dataset.rule;
  const summary = field.closest("details")?.querySelector("[data-key-end-summary]");
  if (summary) summary.textContent = moment ? ` · ends ${utcText(new Date(moment)).split(",")[0]}` : "";
}

function endInWords(end) {
  const local = end.getTimezoneOffset() === 0 ? "" : ` That is ${localText(end)} your time.`;
  return `Ends ${utcText(end)} UTC.${local}`;
}

function utcText(time) {
  const [hours, minutes] = [time.getUTCHours(), time.getUTCMinutes()].map(twoDigits);
  return `${time.getUTCDate()} ${MONTHS[time.getUTCMonth()]} ${time.getUTCFullYear()}, ${hours}:${minutes}`;
}

for (const kind of ["input", "change"]) {
  document.addEventListener(kind, ({ target }) => {
    const field = target.closest(".key-end");
    if (field) showKeyEnd(field);
  });
}

const showKeyEnds = () => document.querySelectorAll(".key-end").forEach(showKeyEnd);
document.addEventListener("htmx:after:swap", showKeyEnds);
addEventListener("pageshow", showKeyEnds);

// ---- The slug and the prefix of a new service follow its name until they are written by hand.

document.addEventListener("input", ({ target }) => {
  if (target.matches("[data-proposed]")) delete target.dataset.proposed;
  if (!target.matches("[data-proposes]")) return;
  const word = asWord(target.value);
  for (const field of target.form.querySelectorAll("[data-proposed]")) field.value = word;
});

// 2 to 12 lower-case letters and digits, the first a letter; accents are left out.
function asWord(name) {
  const plain = name.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]/g, "").replace(/^[0-9]+/, "");
  return plain.length < 2 ? "" : plain.slice(0, 12);
}

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

function showCost(form) {
  const cost = form?.querySelector("[data-cost]");
  if (!cost) return;
  const text = form.elements.text.value;
  const counted = (number, unit) => `${number} ${unit}${number === 1 ? "" : "s"}`;
  const segments = segmentsOf(text);
  // The price of a segment, which the server knows; none while it depends on a number still to be typed.
  const price = form.elements.mode.value === cost.dataset.cost ? form.querySelector("#message-route").dataset.credits : "0";
  const credits = price === "0" ? "no credits" : price && counted(segments * price, "credit");
  const known = segments > MAX_SEGMENTS ? `${MAX_SEGMENTS} is the most` : credits;
  cost.textContent = text.trim() ? [counted(segments, "segment"), known].filter(Boolean).join(", ") : "";
}

document.addEventListener("input", ({ target: { form } }) => showCost(form));
document.addEventListener("htmx:after:swap", () => showCost(document.querySelector("#message-form")));

// ---- Times in the reader's own zone; UTC stays in the tooltip. What says how long it is past has the time there.

// By hand, as the server writes them: setting up Intl.DateTimeFormat takes longer than all else in this file.
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function showLocalTimes() {
  for (const time of document.querySelectorAll("time[datetime]:not([title])")) {
    time.title = time.textContent;
    time.textContent = localText(new Date(time.dateTime));
  }
  for (const time of document.querySelectorAll("time[data-utc]")) {
    time.title = `${localText(new Date(time.dateTime))} your time`;
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
  const day = formData.get("from") || formData.get("to") || formData.get("made_before");
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
  if (!target.matches("[data-filter]")) return;
  const focused = document.activeElement;
  keepPlace(focused?.id ? focused : target.querySelector("[data-autosubmit] select"));
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

// ---- What was folded away stays so.

for (const details of document.querySelectorAll("details[data-remembers]")) {
  const name = `keyfob-${details.dataset.remembers}`;
  try {
    if (localStorage.getItem(name) === "closed") details.open = false;
    details.addEventListener("toggle", () => localStorage.setItem(name, details.open ? "open" : "closed"));
  } catch {
    // Without storage it is unfolded each time.
  }
}

// ---- The way back from a row's page leads to the list as it was: its filter and its page.

const LIST = "keyfob-list";

try {
  const list = document.querySelector("[data-list-url]");
  if (list) sessionStorage.setItem(LIST, list.dataset.listUrl);
  const back = document.querySelector("a[data-back]");
  const seen = sessionStorage.getItem(LIST);
  if (back && seen?.split("?")[0] === back.pathname) back.href = seen;
} catch {
  // Without storage the way back leads to the whole list.
}

// ---- Selected keys are counted, and one box selects all of a page.

function showSelected() {
  const bar = document.getElementById("bulk-form");
  if (!bar) return;
  const boxes = [...document.querySelectorAll(".key-box")];
  const selected = boxes.filter((box) => box.checked).length;
  const page = bar.querySelector("[data-select-page]");
  page.closest("label").hidden = false;
  page.checked = selected === boxes.length;
  page.indeterminate = selected > 0 && selected < boxes.length;
  const all = bar.querySelector("[name=scope]")?.checked;
  bar.querySelector("[data-selected-count]").textContent = all ? "" : `${selected} selected`;
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-select-page]")) {
    for (const box of document.querySelectorAll(".key-box")) box.checked = target.checked;
  }
  if (target.matches("[data-select-page], .key-box, [name=scope]")) showSelected();
});
