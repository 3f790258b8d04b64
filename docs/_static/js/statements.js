// Pointing at a reference or a symbol shows its definition; a search shows the statements that
// finding.js finds; a derivation is drawn when it is unfolded; an address whose statement has moved
// leads to where it is now.
(() => {
  const source = new URL("definitions.js", document.currentScript.src);
  const root = new URL("../../", source);
  let loading = null;

  // The definitions come as a script: a page from disk may load nothing else.
  const definitions = () => {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.onload = () => resolve(window.definitions);
      script.onerror = reject;
      document.head.append(script);
    });
    return loading;
  };

  // ---------------------------------------------------------------- pointing

  const box = document.createElement("div");
  box.id = "definition";
  box.hidden = true;
  box.setAttribute("role", "tooltip");
  let owner = null, timer = 0;

  // What is pending is dropped, also where it waits for the definitions.
  const stopWaiting = () => { clearTimeout(timer); timer = 0; };

  const hide = () => {
    stopWaiting();
    owner?.removeAttribute("aria-describedby");
    box.hidden = true;
    owner = null;
  };

  const show = (element, html) => {
    hide();
    if (!box.isConnected) document.body.append(box);
    box.innerHTML = html;
    box.hidden = false;
    owner = element;
    element.setAttribute("aria-describedby", box.id);
    const at = element.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left), innerWidth - box.offsetWidth - 8);
    const below = at.bottom + box.offsetHeight + 12 < innerHeight || at.top < box.offsetHeight + 12;
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${(below ? at.bottom + 6 : at.top - box.offsetHeight - 6) + scrollY}px`;
  };

  const plain = (text) => text.normalize("NFKC").trim();

  // The symbols of its statement come first: a letter may mean another thing elsewhere.
  const ofSymbol = (element, symbols) => {
    const letter = plain(element.textContent);
    const head = element.closest("section.statement, section.entry")?.querySelector("[data-symbols]");
    const here = head?.dataset.symbols.split(" ") ?? [];
    const meant = symbols.filter((s) => s.letters.includes(letter));
    const own = meant.filter((s) => here.includes(s.name));
    return (own.length ? own : meant.slice(0, 1)).map((s) => s.html).join("");
  };

  // The anchor of a link, or the statement whose entry it leads to.
  const aim = (link) => decodeURIComponent(
    link.hash.slice(1) || link.pathname.match(/\/statements\/([\w.]+)\.html$/)?.[1] || "");

  const ofLink = (link, { statements, symbols }) => {
    const anchor = aim(link);
    const statement = statements.find((s) => s.anchors.includes(anchor));
    const symbol = symbols.find((s) => `symbol-${s.name}` === anchor);
    return (statement ?? symbol)?.html ?? "";
  };

  const pointed = (target) => {
    if (!(target instanceof Element)) return null;
    const link = target.closest("article a[href]");
    if (link) return link.matches(".headerlink, .eqno a, .toc-backref") || !aim(link) ? null : link;
    return target.closest("article math mi");
  };

  const wish = (event, delay) => {
    stopWaiting();
    if (box.contains(event.target)) return;
    const element = pointed(event.target);
    if (element && element === owner) return;
    const wished = timer = setTimeout(async () => {
      if (!element) { hide(); return; }
      const known = await definitions();
      if (timer !== wished) return;
      const html = element.localName === "a" ? ofLink(element, known) : ofSymbol(element, known.symbols);
      if (html) show(element, html); else hide();
    }, delay);
  };

  addEventListener("pointerover", (event) => wish(event, event.pointerType === "mouse" ? 220 : 0));
  addEventListener("focusin", (event) => wish(event, 0));
  addEventListener("focusout", () => { if (!box.matches(":hover")) hide(); });
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // ---------------------------------------------------------------- finding

  // The formula index shows the rows that are found.
  const finder = async (input) => {
    const rows = new Map([...document.querySelectorAll(".formula-index tbody tr")]
      .map((row) => [row.querySelector("code").textContent, row]));
    const status = document.getElementById(input.getAttribute("aria-describedby"));
    const { statements } = await definitions();
    const update = () => {
      const query = input.value.trim();
      const found = query ? finding.find(query, statements) : statements;
      const ids = new Set(found.map((s) => s.id));
      for (const [id, row] of rows) row.hidden = !ids.has(id);
      for (const table of document.querySelectorAll(".formula-index")) {
        const empty = !table.querySelector("tbody tr:not([hidden])");
        const part = table.closest(".table-wrapper");
        part.hidden = empty;
        part.previousElementSibling.hidden = empty;
      }
      status.textContent = query ? `${found.length} of ${statements.length} statements` : "";
      const address = new URL(location);
      if (query) address.searchParams.set("find", query); else address.searchParams.delete("find");
      history.replaceState(null, "", address);
    };
    input.addEventListener("input", update);
    const wanted = new URLSearchParams(location.search).get("find");
    if (wanted) { input.value = wanted; update(); }
  };

  // The search page lists the statements that are found above the pages.
  const above = async (results) => {
    const query = new URLSearchParams(location.search).get("q")?.trim();
    if (!query) return;
    const found = finding.find(query, (await definitions()).statements).slice(0, 12);
    if (!found.length) return;
    const title = document.createElement("h2");
    title.textContent = "Formulas";
    const list = document.createElement("ul");
    list.className = "found-statements";
    for (const statement of found) {
      const item = document.createElement("li");
      item.innerHTML = statement.html;
      const link = document.createElement("a");
      link.href = new URL(statement.href, root);
      link.textContent = statement.title;
      const id = document.createElement("code");
      id.textContent = statement.id;
      item.querySelector("p").replaceChildren(link, " ", id);
      list.append(item);
    }
    results.before(title, list);
  };

  const field = document.getElementById("find");
  if (field) {
    field.closest(".finder").hidden = false;
    finder(field);
  }
  const results = document.getElementById("search-results");
  if (results) above(results);

  // ---------------------------------------------------------------- derivations

  // A derivation stands in a template until somebody wants to see it.
  const unpack = (fold) => {
    const template = fold.querySelector(":scope > template");
    if (!template) return;
    template.replaceWith(template.content);
    dispatchEvent(new CustomEvent("unpacked", { detail: fold }));
  };
  for (const fold of document.querySelectorAll("details:has(> template)")) {
    fold.addEventListener("toggle", () => { if (fold.open) unpack(fold); });
  }

  // ---------------------------------------------------------------- moved addresses

  const moved = async () => {
    const wanted = location.hash.slice(1);
    if (!/^\w+\.\w+$/.test(wanted) || document.getElementById(wanted)) return;
    const statement = (await definitions()).statements.find((s) => s.anchors.includes(wanted));
    if (statement) location.replace(new URL(statement.href, root));
  };
  addEventListener("hashchange", moved);
  moved();
})();
