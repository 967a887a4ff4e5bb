import { lineText, nameText } from './chart-text.js';

const light = `--chart-paper:#ffffff;--chart-box:#f6f8fa;--chart-inner:#ffffff;--chart-border:#8c959f;--chart-ink:#1f2328;--chart-edge:#57606a;--chart-event:#0550ae;--chart-guard:#8250df;--chart-actions:#57606a;--chart-active:#1a7f37;--chart-active-box:#dafbe1;--chart-traced:#bc4c00`;
const dark = `--chart-paper:#0d1117;--chart-box:#151b23;--chart-inner:#0d1117;--chart-border:#656c76;--chart-ink:#f0f6fc;--chart-edge:#9198a1;--chart-event:#79c0ff;--chart-guard:#d2a8ff;--chart-actions:#9198a1;--chart-active:#3fb950;--chart-active-box:#12301d;--chart-traced:#f0883e`;

/**
 * The style that every drawing carries. Colours are custom properties of `:where(.chart)`, so that a page that holds
 * the drawing gives it others, or another theme, with a rule of its own.
 */
export const chartStyle = `
:where(.chart){${light}}
@media (prefers-color-scheme:dark){:where(.chart){${dark}}}
:where([data-theme=light]) :where(.chart){${light}}
:where([data-theme=dark]) :where(.chart){${dark}}
.chart text{font:${lineText.size}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;fill:var(--chart-actions);white-space:pre}
.chart .name{font-size:${nameText.size}px;font-weight:600;fill:var(--chart-ink)}
.chart .event{fill:var(--chart-event)}
.chart .guard{fill:var(--chart-guard)}
.chart .note .event{fill:var(--chart-actions);font-style:italic}
.chart .box{fill:var(--chart-inner);stroke:var(--chart-border);stroke-width:1}
.chart .compound>.box,.chart .parallel>.box{fill:var(--chart-box)}
.chart .machine>.box{fill:var(--chart-paper)}
.chart .region>.box{stroke-dasharray:5 4;fill:none}
.chart path{fill:none;stroke:var(--chart-edge);stroke-width:1.2}
.chart .divider{stroke:var(--chart-border);stroke-width:.6}
.chart polygon,.chart circle{fill:var(--chart-edge)}
.chart .plate{fill:var(--chart-box);opacity:.94}
.chart .outermost .plate{fill:var(--chart-paper)}
.chart .shared>*{visibility:hidden}
.chart .active>.box{stroke:var(--chart-active);stroke-width:2}
.chart .active.atomic>.box,.chart .active.final>.box{fill:var(--chart-active-box)}
.chart .traced>*{visibility:visible}
.chart .traced path{stroke:var(--chart-traced);stroke-width:2.4}
.chart .traced polygon{fill:var(--chart-traced)}
.chart .label.traced text,.chart .label.traced tspan{fill:var(--chart-traced);font-weight:600}
`.trim();
