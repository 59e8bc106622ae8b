// Tables that a click on a heading sorts and words filter. Without scripts they stay the plain tables that they are.
for (const section of document.querySelectorAll("section.sortable")) {
  const table = section.querySelector("table.rows"), body = table.tBodies[0], rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, k) => row.cells[k].dataset.value;

  // empty cells last, whichever way; numbers as numbers
  const compare = (k, sign) => (a, b) => {
    const [x, y] = [value(a, k), value(b, k)];
    if (x === "" || y === "") return (x === "") - (y === "");
    const [u, v] = [Number(x), Number(y)];
    return sign * (Number.isNaN(u) || Number.isNaN(v) ? x.localeCompare(y) : u - v);
  };
  heads.forEach((head, k) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      body.append(...rows.sort(compare(k, sign)));
    });
  });

  const words = section.querySelector(".filter"), group = section.querySelector(".group");
  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(wanted.every((word) => text.includes(word)) && (!group.value || row.dataset.group === group.value));
      shown += !row.hidden;
    }
    section.querySelector(".count").textContent = `${shown} of ${rows.length} ${section.dataset.one}`;
  };
  words.addEventListener("input", filter);
  group.addEventListener("change", filter);
  section.querySelector(".tools").hidden = false;
  filter();
}
