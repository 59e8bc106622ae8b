// A figure of BokehJS from data: lines over steps, a heat map, bars of blocks, dots of jobs. Colours are those of the page.
const drawing = (() => {
  const root = document.documentElement;
  const phone = () => window.innerWidth < 600;
  const color = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  const number = (value) => (value === null ? NaN : value);
  const numbers = (values) => values.map(number);
  const said = (value) => (value === null || Number.isNaN(value) ? "" : String(Number(value.toPrecision(6))));

  const tooltip = (rows) =>
    `<div style="font:12px system-ui,sans-serif;color:${color("ink")};background:${color("card")};padding:2px 4px">` +
    rows.map(([label, field]) => `<div>${label}: <b>${field}</b></div>`).join("") + "</div>";

  // a figure without data, in the colours of the page
  const empty = (spec, more) => {
    const figure = Bokeh.Plotting.figure({
      sizing_mode: "stretch_both", min_border: 0, tools: phone() ? "box_zoom,reset" : "pan,box_zoom,wheel_zoom,reset,save",
      toolbar_location: "above", background_fill_color: color("card"), border_fill_color: color("card"),
      outline_line_color: color("line"), ...more,
    });
    figure.toolbar.logo = null;
    for (const range of [figure.x_range, figure.y_range]) if (range.type === "DataRange1d") range.only_visible = true;
    if (phone()) figure.toolbar.active_drag = null; // a finger moves the page
    else figure.toolbar.active_drag = figure.toolbar.tools.find((tool) => tool.type === "BoxZoomTool");
    for (const axis of [...figure.below, ...figure.left].filter((part) => part.axis_label !== undefined)) {
      axis.axis_label_text_color = axis.major_label_text_color = color("ink");
      axis.axis_line_color = axis.major_tick_line_color = color("quiet");
      axis.minor_tick_line_color = null;
      axis.axis_label_text_font = axis.major_label_text_font = "system-ui, sans-serif";
      axis.axis_label_text_font_style = "normal";
    }
    for (const grid of figure.center.filter((part) => part.grid_line_color !== undefined)) grid.grid_line_color = color("line");
    figure.xaxis.axis_label = spec.x ?? "step";
    return figure;
  };

  const legend = (figure, items) => {
    const look = { background_fill_alpha: 0, border_line_color: null, label_text_color: color("ink"), padding: 2, spacing: 2 };
    const longest = Math.max(...items.map((item) => String(item.label.value ?? item.label).length));
    const columns = phone() ? (longest > 16 ? 1 : 2) : longest > 26 ? 1 : longest > 20 ? 2 : 3;
    figure.add_layout(new Bokeh.Legend({
      items, click_policy: "hide", location: "bottom_left", orientation: "horizontal", ncols: columns, nrows: "auto", label_text_font_size: "11px",
      label_text_font: "system-ui, sans-serif", glyph_width: 18, margin: 2, inactive_fill_color: color("card"), ...look,
    }), "below");
  };

  // without any number there is nothing from which a range could follow
  const ranges = (columns) => {
    if (columns.some((values) => values.some((value) => value !== null))) return {};
    return { x_range: new Bokeh.Range1d({ start: 0, end: 1 }), y_range: new Bokeh.Range1d({ start: 0.1, end: 1 }) };
  };

  const lines = (spec) => {
    const drawn = spec.layers.flatMap((layer) => [...layer.lines.filter((line) => !line.hidden), ...(layer.stars ?? [])].map((line) => layer.data[line.column]));
    const figure = empty(spec, { y_axis_type: spec.scale === "log" ? "log" : "linear", ...ranges(drawn) });
    figure.yaxis.axis_label = spec.y;
    figure.xaxis.ticker = new Bokeh.BasicTicker({ min_interval: 1 });
    if (spec.reach) figure.y_range = new Bokeh.Range1d({ start: spec.reach[0], end: spec.reach[1] });
    if (spec.ticks) {
      figure.yaxis.ticker = new Bokeh.FixedTicker({ ticks: spec.ticks.map(([at]) => at) });
      figure.yaxis.major_label_overrides = new Map(spec.ticks);
    }
    const items = [], x = spec.x ?? "step";
    for (const layer of spec.layers) {
      const data = Object.fromEntries(Object.entries(layer.data).map(([name, values]) => [name, numbers(values)]));
      const source = new Bokeh.ColumnDataSource({ data });
      const all = [...layer.lines, ...(layer.stars ?? [])];
      const drawn = layer.lines.map((line) => {
        const at = { x: { field: x }, y: { field: line.column }, source, visible: !line.hidden };
        const glyph = figure.line({ ...at, line_color: color(line.color), line_width: line.width, line_alpha: line.alpha, line_dash: line.dash ?? [], line_join: "round" });
        const renderers = [glyph], steps = data[x].length;
        if (line.low) {
          const edges = { y1: { field: line.low }, y2: { field: line.high } };
          renderers.push(figure.varea({ x: { field: x }, ...edges, source, fill_color: color(line.color), fill_alpha: 0.15, level: "underlay" }));
        }
        if (line.markers || steps === 1) {
          const every = Math.max(1, Math.floor(steps / 25));
          const view = new Bokeh.CDSView({ filter: new Bokeh.IndexFilter({ indices: [...Array(steps).keys()].filter((k) => k % every === 0) }) });
          renderers.push(figure.scatter({ ...at, view, size: 5, line_color: color(line.color), fill_color: color("card") }));
        }
        items.push(new Bokeh.LegendItem({ label: line.label, renderers }));
        return glyph;
      });
      for (const star of layer.stars ?? []) {
        const glyph = figure.scatter({ x: { field: x }, y: { field: star.column }, source, marker: star.marker ?? "star", size: star.size, line_color: color(star.marker ? star.color : "card"), line_width: star.marker ? 2.5 : 0.5, fill_color: color(star.color), fill_alpha: 0.9 });
        if (star.of === undefined) items.push(new Bokeh.LegendItem({ label: star.label, renderers: [glyph] }));
        else items[star.of].renderers = [...items[star.of].renderers, glyph];
        drawn.push(glyph);
      }
      // one tooltip says what all lines of the layer say at that step
      const rows = all.map((line) => [line.label, `@{${line.said ?? line.column}}{%.6g}`]);
      const formatters = Object.fromEntries(all.map((line) => [`@{${line.said ?? line.column}}`, "printf"]));
      const hover = { tooltips: tooltip([[x, `@{${x}}{0}`], ...rows]), formatters, renderers: drawn.slice(0, 1) };
      figure.add_tools(new Bokeh.HoverTool({ ...hover, mode: layer.lines.length ? "vline" : "mouse", point_policy: layer.lines.length ? "follow_mouse" : "snap_to_data", line_policy: "nearest", attachment: "horizontal", visible: false }));
    }
    for (const at of spec.spans ?? []) figure.add_layout(new Bokeh.Span({ location: at, dimension: "height", line_color: color("quiet"), line_dash: "dotted", level: "underlay" }));
    if (!spec.unnamed) legend(figure, items);
    return figure;
  };

  const heat = (spec) => {
    const cells = { x: [], y: [], at: [], row: [], value: [], shade: [], note: [] };
    const shade = (value) => (value === null ? NaN : spec.scale === "log" ? Math.log10(value) : value);
    const last = spec.columns.length;
    spec.rows.forEach((row, r) => spec.columns.forEach(([from, to], k) => {
      cells.x.push(k + 0.5);
      cells.y.push(row);
      cells.at.push(from === to ? String(from) : `${from} to ${to}`);
      cells.row.push(row);
      cells.value.push(spec.values[r][k] === null ? (spec.scale === "log" ? "equal" : "none") : said(spec.values[r][k]));
      cells.shade.push(shade(spec.values[r][k]));
      cells.note.push(spec.notes?.[k] ?? "");
    }));
    const seen = cells.shade.filter((value) => !Number.isNaN(value));
    let [low, high] = [Math.min(...seen), Math.max(...seen)];
    if (spec.scale === "score") [low, high] = [Math.max(-1, Math.min(0, low)), 1];
    if (!seen.length || low === high) [low, high] = [high - 1 || -1, high || 0];
    const figure = empty(spec, { y_range: new Bokeh.FactorRange({ factors: [...spec.rows].reverse() }), x_range: new Bokeh.Range1d({ start: 0, end: last }) });
    const [from, to] = [color("low"), color("high")];
    const mix = (a, b, t) => "#" + [1, 3, 5].map((k) => Math.round(parseInt(a.slice(k, k + 2), 16) * (1 - t) + parseInt(b.slice(k, k + 2), 16) * t).toString(16).padStart(2, "0")).join("");
    const palette = [...Array(64).keys()].map((k) => mix(from, to, k / 63));
    const mapper = new Bokeh.LinearColorMapper({ palette, low, high, nan_color: color("card") });
    const source = new Bokeh.ColumnDataSource({ data: cells });
    figure.rect({ x: { field: "x" }, y: { field: "y" }, width: 1, height: 0.96, source, line_color: null, fill_color: { field: "shade", transform: mapper } });
    if (spec.rows.length * last <= 128 && spec.scale === "score") {
      const middle = cells.shade.map((value) => ((value - low) / (high - low) > 0.5 ? color("card") : color("ink")));
      const words = new Bokeh.ColumnDataSource({ data: { x: cells.x, y: cells.y, ink: middle, text: cells.shade.map((value) => (Number.isNaN(value) ? "" : value.toFixed(2))) } });
      figure.text({ x: { field: "x" }, y: { field: "y" }, text: { field: "text" }, source: words, text_color: { field: "ink" }, text_align: "center", text_baseline: "middle", text_font_size: "11px" });
    }
    const every = Math.max(1, Math.ceil(last / (phone() ? 4 : 8)));
    const ticks = [...Array(last).keys()].filter((k) => k % every === 0);
    figure.xaxis.ticker = new Bokeh.FixedTicker({ ticks: ticks.map((k) => k + 0.5) });
    figure.xaxis.major_label_overrides = new Map(ticks.map((k) => [k + 0.5, String(spec.columns[k][0])]));
    figure.xgrid.grid_line_color = figure.ygrid.grid_line_color = null;
    const rows = [["", "@row"], [spec.x, "@at"], [spec.about, "@value"], ...(spec.notes ? [["", "@note"]] : [])];
    figure.add_tools(new Bokeh.HoverTool({ tooltips: tooltip(rows).replaceAll("<div>: ", "<div>"), visible: false }));
    const bar = { color_mapper: mapper, width: 8, padding: 6, background_fill_color: color("card"), major_label_text_color: color("ink"), bar_line_color: null, major_tick_line_color: color("quiet") };
    const powers = [...Array(Math.max(0, Math.floor(high) - Math.ceil(low) + 1)).keys()].map((k) => Math.ceil(low) + k);
    const few = powers.filter((_, k) => k % Math.ceil(powers.length / 6) === 0);
    const marks = few.length > 1 ? few : [0.1, 0.5, 0.9].map((part) => low + part * (high - low));  // within a decade
    const named = (k) => (few.length > 1 ? `1e${k}` : (10 ** k).toPrecision(2));
    if (spec.scale === "log") Object.assign(bar, { ticker: new Bokeh.FixedTicker({ ticks: marks }), major_label_overrides: new Map(marks.map((k) => [k, named(k)])) });
    figure.add_layout(new Bokeh.ColorBar(bar), "right");
    return figure;
  };

  const bars = (spec) => {
    const figure = empty(spec, { y_range: new Bokeh.FactorRange({ factors: spec.rows }) });
    const left = spec.rows.map(() => 0), items = [];
    for (const part of spec.parts) {
      const values = numbers(part.values), right = left.map((at, k) => at + values[k]);
      const source = new Bokeh.ColumnDataSource({ data: { row: spec.rows, left: [...left], right, seconds: values.map(said) } });
      const glyph = figure.hbar({ y: { field: "row" }, left: { field: "left" }, right: { field: "right" }, height: 0.6, source, fill_color: color(part.color), line_color: null });
      figure.add_tools(new Bokeh.HoverTool({ renderers: [glyph], tooltips: tooltip([["", "@row"], [part.label, "@seconds s"]]).replaceAll("<div>: ", "<div>"), visible: false }));
      items.push(new Bokeh.LegendItem({ label: part.label, renderers: [glyph] }));
      right.forEach((at, k) => (left[k] = at));
    }
    legend(figure, items);
    return figure;
  };

  // dots: a row a job, a mark a learner
  const dots = (spec) => {
    const marked = spec.marks.map((mark) => spec.data[mark.column]);
    const figure = empty(spec, { y_axis_type: spec.scale === "log" ? "log" : "linear", ...ranges(marked) });
    figure.yaxis.axis_label = spec.y;
    figure.xaxis.ticker = new Bokeh.BasicTicker({ min_interval: 1 });
    const data = { ...spec.data };
    for (const mark of spec.marks) data[mark.column] = numbers(data[mark.column]);
    const source = new Bokeh.ColumnDataSource({ data });
    const items = spec.marks.map((mark) => {
      const glyph = figure.scatter({ x: { field: spec.x }, y: { field: mark.column }, source, marker: mark.marker, size: mark.size, fill_color: color(mark.color), line_color: color(mark.color), fill_alpha: mark.alpha });
      return new Bokeh.LegendItem({ label: mark.label, renderers: [glyph] });
    });
    const rows = [["job", `@{${spec.x}}`], ["", "@about"], ...spec.marks.map((mark) => [mark.label, `@{${mark.column}}{%.6g}`])];
    const formatters = Object.fromEntries(spec.marks.map((mark) => [`@{${mark.column}}`, "printf"]));
    figure.add_tools(new Bokeh.HoverTool({ tooltips: tooltip(rows).replaceAll("<div>: ", "<div>"), formatters, visible: false }));
    legend(figure, items);
    return figure;
  };

  const kinds = { lines, heat, bars, dots };
  const height = (spec) => (spec.kind === "heat" ? `${Math.max(phone() ? 260 : 320, 110 + 18 * spec.rows.length)}px` : "");
  return { figure: (spec) => kinds[spec.kind ?? "lines"](spec), height };
})();
