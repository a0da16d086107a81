// Copy buttons: data-copy holds the text, or data-copy-from the id of an element that shows it.
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

  document.addEventListener("DOMContentLoaded", () => reveal(document));
  document.addEventListener("htmx:load", (event) => reveal(event.target));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (button) copy(button);
  });
})();
