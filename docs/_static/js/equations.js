// Displayed formulas: a button that copies the TeX, and no stop of the Tab key where nothing scrolls.
const copyTeX = (event) => {
  const button = event.currentTarget;
  // A long formula consists of several, which end where a line may.
  const parts = button.closest("div.math").querySelectorAll("annotation");
  const tex = [...parts].map((part) => part.textContent).join(" ");
  navigator.clipboard.writeText(tex).then(
    () => { button.textContent = "Copied"; },
    () => { button.textContent = "Not allowed"; },
  ).then(() => setTimeout(() => { button.textContent = "TeX"; }, 1500));
};

// What scrolls can be reached with the Tab key, and a formula fades out where it goes on. A box that
// is folded or far from the window has no size yet: it keeps its stop until it is seen not to scroll.
const measure = (boxes) => {
  const found = boxes.map((box) => {
    const left = Math.abs(box.scrollLeft), rest = box.scrollWidth - box.clientWidth - left;
    return { box, stays: left + rest <= 0, left: left > 1, right: rest > 1 };
  });
  for (const { box, stays, left, right } of found) {
    box.tabIndex = stays ? -1 : 0;
    box.classList.toggle("more-left", left);
    box.classList.toggle("more-right", right);
  }
};
// A table is skipped by itself, and then has a size without its rows.
const drawn = (box) => box.clientWidth > 0
  && (box.firstElementChild?.checkVisibility?.({ contentVisibilityAuto: true }) ?? true);
const shown = (entries) => entries.map((entry) => entry.target).filter(drawn);
const sizes = new ResizeObserver((entries) => measure(shown(entries)));
const watch = (part) => {
  for (const box of part.querySelectorAll(".math-scroll, .table-wrapper, .highlight > pre")) {
    if (!box.hasAttribute("tabindex")) box.tabIndex = 0;
    sizes.unobserve(box);  // a fresh look, though the size be the same: other glyphs may have come
    sizes.observe(box);
  }
};

const equip = (part) => {
  for (const box of part.querySelectorAll("div.math")) {
    if (!box.querySelector("annotation")) continue;
    const button = document.createElement("button");
    button.className = "copy-tex";
    button.type = "button";
    button.textContent = "TeX";
    button.setAttribute("aria-label", "Copy the TeX of this formula");
    button.addEventListener("click", copyTeX);
    const scroll = box.querySelector(".math-scroll");
    scroll.after(button);
    scroll.addEventListener("scroll", () => measure([scroll]), { passive: true });
  }
  watch(part);
};

equip(document);
addEventListener("unpacked", (event) => equip(event.detail));
document.fonts.ready.then(() => watch(document));

// Sphinx marks the words of a search; it cannot in the title and the description of a drawing.
for (const text of document.querySelectorAll("svg title, svg desc")) text.classList.add("nohighlight");

// What is drawn only now, because it is near the window now, has another height than was reserved: it
// moves the target away, so look again until it stays.
const land = (target, looks = 10) => {
  target.scrollIntoView();
  const { top } = target.getBoundingClientRect();
  requestAnimationFrame(() => requestAnimationFrame(() => {
    if (looks > 0 && target.getBoundingClientRect().top !== top) land(target, looks - 1);
  }));
};

// A link to something inside a folded part unfolds it.
const unfold = () => {
  let name = "";
  try { name = decodeURIComponent(location.hash.slice(1)); } catch { return; }  // no address of ours
  const target = document.getElementById(name);
  for (let part = target; part; part = part.parentElement) {
    if (part.tagName === "DETAILS") part.open = true;
  }
  if (target) land(target);
};
addEventListener("hashchange", unfold);
unfold();
document.fonts.ready.then(unfold);
