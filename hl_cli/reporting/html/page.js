// Draws the figures of this page from the data beside them, and takes the pictures away that stood in for them.
(() => {
  const root = document.documentElement;
  const theme = document.querySelector("#theme");
  const dark = () => getComputedStyle(root).colorScheme === "dark";

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(text); // the reader's own copy key does the rest
        button.textContent = "Selected";
      }
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
  }

  let views = [];
  const draw = async () => {
    views.forEach((view) => view.clear?.());
    views = [];
    for (const data of document.querySelectorAll("script[data-for]")) {
      const places = document.querySelector(`.figures[data-of="${data.dataset.for}"]`);
      places.hidden = false;
      for (const [k, spec] of JSON.parse(data.textContent).entries()) {
        const place = places.querySelectorAll(".figure")[k];
        place.replaceChildren();
        place.style.height = drawing.height(spec);
        const view = await Bokeh.Plotting.show(drawing.figure(spec), place);
        views.push(view);
      }
      for (const picture of document.querySelectorAll(`img[data-of="${data.dataset.for}"]`)) picture.hidden = true;
    }
    root.dataset.drawn = dark() ? "dark" : "light";
  };

  const start = async () => {
    theme.hidden = false;
    const name = () => (theme.textContent = dark() ? "Light" : "Dark");
    name();
    const packed = document.querySelector("#library");
    let ready = !packed;
    theme.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      name();
      if (ready && packed) draw();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      name();
      if (ready && packed) draw();
    });
    if (!packed || !("DecompressionStream" in window)) return; // the pictures stay
    const bytes = Uint8Array.from(atob(packed.textContent), (sign) => sign.charCodeAt(0));
    const code = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
    const script = document.createElement("script");
    script.textContent = code;
    document.head.append(script);
    ready = true;
    await draw();
  };
  start();
})();
