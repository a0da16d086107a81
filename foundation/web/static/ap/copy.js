// Copy buttons (data-copy holds the text, or data-copy-from the id of an element that shows it),
// and menus that close when one looks elsewhere.
(() => {
  "use strict";
  const SHOWN_FOR_MS = 2000;

  const textOf = (button) =>
    button.dataset.copy ?? document.getElementById(button.dataset.copyFrom)?.textContent ?? "";

  const reveal = (root) => {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("[data-copy], [data-copy-from]")) button.hidden = false;
  };

  const copy = async (button) => {
    await navigator.clipboard.writeText(textOf(button));
    button.dataset.copied = "";
    const said = document.getElementById("said");
    if (said) said.textContent = said.dataset.copied;
    setTimeout(() => {
      delete button.dataset.copied;
      if (said) said.textContent = "";
    }, SHOWN_FOR_MS);
  };

  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(except)) menu.open = false;
    }
  };

  document.addEventListener("DOMContentLoaded", () => reveal(document));
  document.addEventListener("htmx:load", (event) => reveal(event.target));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (button) copy(button);
    closeMenus(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.activeElement?.closest("details.menu[open]");
    closeMenus(null);
    menu?.querySelector("summary")?.focus();
  });
})();
