// Sets the chosen theme before the first paint, and lets the switch change it.
// The key and its values are those of the admin's own switch: one choice for every page.
(() => {
  "use strict";
  const root = document.documentElement;
  const NEXT = { auto: "light", light: "dark", dark: "auto" };
  const WORDS = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };

  const read = () => {
    try {
      const kept = localStorage.getItem("theme");
      return kept in NEXT ? kept : "auto";
    } catch {
      return "auto";
    }
  };

  const show = (theme) => {
    root.dataset.theme = theme;
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.hidden = false;
      button.setAttribute("aria-label", WORDS[theme]);
      button.title = WORDS[theme];
      for (const icon of button.querySelectorAll("[data-for]")) {
        icon.hidden = icon.dataset.for !== theme;
      }
    }
  };

  show(read());
  document.addEventListener("DOMContentLoaded", () => {
    show(read());
    document.addEventListener("click", (event) => {
      if (!event.target.closest("[data-theme-switch]")) return;
      const theme = NEXT[read()];
      try {
        localStorage.setItem("theme", theme);
      } catch {
        // Without storage the choice lasts for this page.
      }
      show(theme);
    });
  });
})();
