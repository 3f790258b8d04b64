// Displayed formulas: a button that copies the TeX, and no stop of the Tab key where nothing scrolls.
const copyTeX = (event) => {
  const button = event.currentTarget;
  const tex = button.closest("div.math").querySelector("annotation").textContent;
  navigator.clipboard.writeText(tex).then(
    () => { button.textContent = "Copied"; },
    () => { button.textContent = "Not allowed"; },
  ).then(() => setTimeout(() => { button.textContent = "TeX"; }, 1500));
};

const tabStops = () => {
  for (const box of document.querySelectorAll(".math-scroll, .table-wrapper, .highlight > pre")) {
    // A folded box has no width yet: it keeps its stop until it is seen not to scroll.
    box.tabIndex = box.clientWidth > 0 && box.scrollWidth <= box.clientWidth ? -1 : 0;
  }
};

for (const box of document.querySelectorAll("div.math")) {
  if (!box.querySelector("annotation")) continue;
  const button = document.createElement("button");
  button.className = "copy-tex";
  button.type = "button";
  button.textContent = "TeX";
  button.setAttribute("aria-label", "Copy the TeX of this formula");
  button.addEventListener("click", copyTeX);
  box.querySelector(".math-scroll").after(button);
}

tabStops();
addEventListener("resize", tabStops);
document.fonts.ready.then(tabStops);
for (const fold of document.querySelectorAll("details")) fold.addEventListener("toggle", tabStops);

// A link to something inside a folded part unfolds it.
const unfold = () => {
  let name = "";
  try { name = decodeURIComponent(location.hash.slice(1)); } catch { return; }  // no address of ours
  const target = document.getElementById(name);
  for (let part = target; part; part = part.parentElement) {
    if (part.tagName === "DETAILS") part.open = true;
  }
  if (target) target.scrollIntoView();
};
addEventListener("hashchange", unfold);
unfold();
document.fonts.ready.then(unfold);
