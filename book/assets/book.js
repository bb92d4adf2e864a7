/* What a style sheet cannot do: what scrolls sideways is reached by the keyboard, what is folded is printed, and
   pictures can be touched: a line between two of them, a loupe over all, a step from one to the next. */
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

  /* An element with its attributes and what is in it. */
  const made = (name, attributes = {}, ...inside) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      element.setAttribute(key, value);
    }
    element.append(...inside);
    return element;
  };
  const labelled = (text, control) => made("label", {}, made("span", {}, text), control);
  const slider = (max, value) => made("input", { type: "range", min: 0, max, step: 1, value });
  const picturesOf = view =>
    [...view.querySelectorAll("figure")].map(figure => ({
      name: figure.querySelector("figcaption").textContent,
      source: figure.querySelector("img").src,
      ...figure.dataset,
    }));

  const compare = view => {
    const pictures = picturesOf(view);
    const chooser = first => {
      const control = made("select", {}, ...pictures.map(({ name }) => made("option", {}, name)));
      control.value = first;
      return control;
    };
    const [left, right] = [chooser(view.dataset.left), chooser(view.dataset.right)];
    const [line, across, down] = [slider(100, 50), slider(100, 50), slider(100, 50)];
    const images = [made("img", { alt: "" }), made("img", { alt: "", class: "right" })];
    const stage = made("div", { class: "stage", role: "img" }, ...images, made("span", { class: "line" }));
    const lenses = pictures.map(({ name, source }) => {
      const lens = made("div", { class: "lens", role: "img", "aria-label": `${name}, a part of it enlarged` });
      lens.style.backgroundImage = `url("${source}")`;
      return lens;
    });
    const show = () => {
      [left, right].forEach((control, i) => {
        images[i].src = pictures[control.selectedIndex].source;
      });
      stage.setAttribute("aria-label", `${view.dataset.of}: ${left.value} left of the line, ${right.value} right of it`);
      stage.style.setProperty("--at", `${line.value}%`);
      for (const lens of lenses) {
        lens.style.backgroundPosition = `${across.value}% ${down.value}%`;
      }
    };
    const follow = event => {
      const place = stage.getBoundingClientRect();
      across.value = (100 * (event.clientX - place.left)) / place.width;
      down.value = (100 * (event.clientY - place.top)) / place.height;
      if (event.buttons) {
        line.value = across.value;
      }
      show();
    };
    for (const control of [left, right, line, across, down]) {
      control.addEventListener("input", show);
    }
    stage.addEventListener("pointerdown", event => {
      stage.setPointerCapture(event.pointerId);
      follow(event);
    });
    stage.addEventListener("pointermove", follow);
    stage.addEventListener("dragstart", event => event.preventDefault());
    const loupe = made(
      "details",
      {},
      made("summary", {}, "Loupe: all at one place"),
      labelled("Across", across),
      labelled("Down", down),
      made(
        "div",
        { class: "lenses" },
        ...lenses.map((lens, i) => made("figure", {}, lens, made("figcaption", {}, pictures[i].name))),
      ),
    );
    const choice = [labelled("Left", left), labelled("Right", right)];
    view.prepend(made("div", { class: "touch" }, ...choice, stage, labelled("Line", line), loupe));
    show();
  };

  const step = view => {
    const pictures = picturesOf(view);
    const image = made("img");
    const name = made("figcaption", { "aria-live": "polite" });
    const place = slider(pictures.length - 1, 0);
    const mark = view.querySelector(".curve .now");
    const show = () => {
      const picture = pictures[place.value];
      image.src = picture.source;
      image.alt = `${view.dataset.of}: ${picture.name}`;
      name.textContent = `${Number(place.value) + 1} of ${pictures.length}: ${picture.name}`;
      mark?.setAttribute("cx", picture.x);
      mark?.setAttribute("cy", picture.y);
    };
    const go = (text, by) => {
      const button = made("button", { type: "button" }, text);
      button.addEventListener("click", () => {
        place.value = Number(place.value) + by;
        show();
      });
      return button;
    };
    place.addEventListener("input", show);
    const shown = made("figure", {}, image, name);
    view.prepend(made("div", { class: "touch" }, shown, labelled("Step", place), go("Back", -1), " ", go("On", 1)));
    show();
  };

  /* The frame of what an output sees, and its place in the map: the sums of `page_views.Judged`. */
  const sights = view => {
    const [across, down] = [slider(100, 50), slider(100, 50)];
    const judges = [...view.querySelectorAll("figure")].map(figure => ({
      figure,
      ...Object.fromEntries(Object.entries(figure.dataset).map(([key, value]) => [key, Number(value)])),
    }));
    const framed = (element, spans) => {
      const [top, height, left, width] = spans.map(share => `${100 * share}%`);
      Object.assign(element.style, { top, height, left, width });
    };
    const show = () => {
      for (const { figure, size, stride, first, rows, columns, height, width } of judges) {
        const nearest = (share, pixels, cells) =>
          Math.min(Math.max(Math.round((share * pixels - first - size / 2) / stride), 0), cells - 1);
        const [row, column] = [nearest(down.value / 100, height, rows), nearest(across.value / 100, width, columns)];
        const [top, left] = [first + stride * row, first + stride * column];
        framed(figure.querySelector(".field"), [top / height, size / height, left / width, size / width]);
        framed(figure.querySelector(".cell"), [row / rows, 1 / rows, column / columns, 1 / columns]);
        const inside = (low, pixels) => `${Math.max(low, 0)} to ${Math.min(low + size, pixels) - 1}`;
        figure.querySelector(".said").textContent =
          `score ${row}, ${column} of ${rows} × ${columns} sees rows ${inside(top, height)},` +
          ` columns ${inside(left, width)}`;
      }
    };
    for (const { figure } of judges) {
      const stage = figure.querySelector(".stage");
      const follow = event => {
        const place = stage.getBoundingClientRect();
        across.value = (100 * (event.clientX - place.left)) / place.width;
        down.value = (100 * (event.clientY - place.top)) / place.height;
        show();
      };
      stage.addEventListener("pointerdown", follow);
      stage.addEventListener("pointermove", follow);
      stage.addEventListener("dragstart", event => event.preventDefault());
      figure.querySelector(".said").setAttribute("aria-live", "polite");
    }
    for (const control of [across, down]) {
      control.addEventListener("input", show);
    }
    view.append(made("div", { class: "touch" }, labelled("Across", across), labelled("Down", down)));
    show();
  };

  const enliven = () => {
    document.querySelectorAll(".page-view.comparison").forEach(compare);
    document.querySelectorAll(".page-view.steps").forEach(step);
    document.querySelectorAll(".page-view.sights").forEach(sights);
  };
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", enliven);
  } else {
    enliven();
  }
})();
