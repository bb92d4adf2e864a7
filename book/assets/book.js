/* What a style sheet cannot do: what scrolls sideways is reached by the keyboard, and what is folded is printed. */
(() => {
  const mayScroll =
    ".bd-article table, .bd-article pre, .bd-article .cell_output, .bd-article div.math, .bd-article mjx-container";

  const letTheKeyboardScroll = () => {
    for (const part of document.querySelectorAll(mayScroll)) {
      if (part.scrollWidth > part.clientWidth && getComputedStyle(part).overflowX !== "visible") {
        part.tabIndex = 0;
      } else {
        part.removeAttribute("tabindex");
      }
    }
  };

  addEventListener("load", async () => {
    letTheKeyboardScroll();
    if (window.MathJax?.startup?.promise) {
      await MathJax.startup.promise;
      letTheKeyboardScroll();
    }
  });
  addEventListener("resize", letTheKeyboardScroll);
  /* A folded part has no size until it is opened. */
  document.addEventListener("toggle", letTheKeyboardScroll, true);

  const opened = [];
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details:not([open])")) {
      part.open = true;
      opened.push(part);
    }
  });
  addEventListener("afterprint", () => {
    for (const part of opened.splice(0)) {
      part.open = false;
    }
  });
})();
