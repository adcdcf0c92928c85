
"use strict";
// What the page can do besides being read: sort and filter tables, copy queries, change its theme.
(() => {
  const make = (name, properties, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };
  const NUMBER = /[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?/;

  // A cell as what its column is sorted by; nothing in it is last in either direction.
  const key = (cell, isNumber) => {
    const order = cell?.querySelector("[data-order]");
    if (order) return Number(order.dataset.order);
    const text = (cell?.textContent ?? "").trim();
    if (text === "" || text === "–") return null;
    if (!isNumber) return text;
    if (text.includes("∞")) return Infinity;
    const found = NUMBER.exec(text.replaceAll("−", "-").replaceAll(",", ""));
    return found ? Number(found[0]) : null;
  };
  const compare = (a, b, sign) => {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a === "string") return sign * a.localeCompare(b, "en", { numeric: true });
    return sign * (a < b ? -1 : a > b ? 1 : 0);
  };

  const sortable = (table) => {
    const headings = [...table.tHead.rows[0].cells];
    const bodies = [...table.tBodies].map((body) => [body, [...body.rows]]);
    headings.forEach((heading, place) => {
      const button = make("button", { type: "button" }, ...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const isNumber = heading.classList.contains("n");
        const turns = isNumber ? ["descending", "ascending"] : ["ascending", "descending"];
        const next = turns[turns.indexOf(heading.getAttribute("aria-sort")) + 1];
        headings.forEach((other) => other.removeAttribute("aria-sort"));
        if (next) heading.setAttribute("aria-sort", next);
        const sign = next === "descending" ? -1 : 1;
        for (const [body, rows] of bodies) {
          const sorted = rows.map((row) => [key(row.cells[place], isNumber), row]);
          if (next) sorted.sort((a, b) => compare(a[0], b[0], sign));
          body.append(...sorted.map((pair) => pair[1]));
        }
      });
    });
  };

  const filterable = (table) => {
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const input = make("input", { type: "search", id: `${table.id}-filter`, autocomplete: "off" });
    const said = make("span", { role: "status" });
    const label = make("label", { htmlFor: input.id }, "Filter rows");
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, place) => {
        row.hidden = !words.every((word) => texts[place].includes(word));
        shown += !row.hidden;
      });
      said.textContent = words.length ? `${shown} of ${rows.length}` : "";
    });
    const name = table.caption.textContent;
    label.append(make("span", { className: "hidden" }, ` of ${name}`));
    table.closest(".scroll").before(make("div", { className: "tools" }, label, input, said));
  };

  const copyable = (pre) => {
    const button = make("button", { type: "button", className: "plain" }, "Copy");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(pre.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(pre); // where a page may not write to the clipboard
        button.textContent = "Selected";
      }
    });
    pre.before(button);
  };

  const themes = () => {
    const root = document.documentElement;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const button = make("button", { type: "button", className: "plain theme" });
    const isDark = () => (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
    const say = () => (button.textContent = isDark() ? "Light theme" : "Dark theme");
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      say();
    });
    dark.addEventListener("change", say);
    say();
    document.querySelector("nav").append(button);
  };

  // What scrolls can be reached by the keyboard; what does not is no stop on the way.
  const reachable = () => {
    for (const region of document.querySelectorAll(".scroll")) {
      if (region.scrollWidth > region.clientWidth) region.tabIndex = 0;
      else region.removeAttribute("tabindex");
    }
  };

  const unfold = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const folded = target && target.closest("details");
    if (folded && !folded.open) {
      folded.open = true;
      target.scrollIntoView();
    }
  };

  document.querySelectorAll("table[data-sorts]").forEach(sortable);
  document.querySelectorAll("table[data-filters]").forEach(filterable);
  document.querySelectorAll("details pre").forEach(copyable);
  themes();
  reachable();
  unfold();
  addEventListener("resize", reachable);
  addEventListener("hashchange", unfold);
})();
