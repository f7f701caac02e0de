import uPlot from 'uplot';
import {compact} from './dom';
import type {Values} from './api';

export interface Line { label: string; values: Values; scale?: string; band?: boolean }

const kColours = ['--c0', '--c1', '--c2', '--c3', '--c4', '--c5', '--c6', '--c7', '--c8', '--c9'];
const kDashes = [[], [6, 3], [2, 3], [10, 4], [8, 3, 2, 3]];

// A canvas cannot resolve light-dark() by itself.
function css(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function seriesOf(line: Line, place: number): uPlot.Series {
  const colour = css(kColours[place % kColours.length] ?? '--c0');
  return {
    label: line.label, scale: line.scale ?? 'y', stroke: colour, width: line.band ? 1 : 1.75,
    dash: kDashes[place % kDashes.length], spanGaps: false,
    fill: line.band ? css('--band') : undefined,
    value: (_plot, value: number | null) =>
      value === null || value === undefined ? '–' : value.toLocaleString('en')};
}

function axisOf(scale: string, place: number): uPlot.Axis {
  return {
    scale, side: place === 0 ? 3 : 1, stroke: css('--muted'), size: 62,
    grid: {show: place === 0, stroke: css('--line'), width: 1},
    ticks: {show: false}, values: (_plot, values) => values.map((v) => compact(v))};
}

const kMinute = 60;
const kSteps = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 10080, 43200]
  .map((minutes) => minutes * kMinute);

// Hours and minutes; at the first mark, and where a day begins, the day too.
function timeMarks(_plot: uPlot, marks: number[]): string[] {
  let day = '';
  return marks.map((mark) => {
    const at = new Date(mark * 1000);
    const today = at.toLocaleDateString('en-GB', {day: 'numeric', month: 'short'});
    const clock = at.toLocaleTimeString('en-GB', {hour: '2-digit', minute: '2-digit'});
    const text = today === day ? clock : `${clock}\n${today}`;
    day = today;
    return text;
  });
}

function moveCursor(plot: uPlot, event: KeyboardEvent): void {
  const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
  const times = plot.data[0];
  if (step === 0 || times.length === 0) return;
  event.preventDefault();
  const from = plot.cursor.idx ?? times.length - 1;
  const to = Math.min(times.length - 1, Math.max(0, from + step));
  plot.setCursor({left: plot.valToPos(times[to] ?? 0, 'x'), top: plot.bbox.height / 4});
}

// Small triangles above the times named; the page lists them as text.
function drawMarks(plot: uPlot, marks: number[]): void {
  const {ctx, bbox} = plot;
  const size = 5 * devicePixelRatio;
  ctx.fillStyle = css('--c5');
  for (const mark of marks) {
    const x = plot.valToPos(mark, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x - size, bbox.top);
    ctx.lineTo(x + size, bbox.top);
    ctx.lineTo(x, bbox.top + 1.6 * size);
    ctx.fill();
  }
}

// Drag zooms, a double click shows all again, arrows move the cursor; null is a gap.
export function chart(into: HTMLElement, label: string, times: number[], lines: Line[],
    height: number, marks: number[] = []): void {
  const scales = [...new Set(lines.map((line) => line.scale ?? 'y'))];
  const plot = new uPlot({
    width: Math.max(240, into.clientWidth), height,
    scales: {x: {time: true}, ...(scales.includes('%') ? {'%': {range: [0, 100]}} : {})},
    series: [{label: 'Time', value: '{YYYY}-{MM}-{DD} {HH}:{mm}'}, ...lines.map(seriesOf)],
    axes: [
      {stroke: css('--muted'), grid: {show: false}, ticks: {show: false}, incrs: kSteps,
        values: timeMarks},
      ...scales.slice(0, 2).map(axisOf)],
    cursor: {drag: {x: true, y: false}},
    hooks: {draw: [(drawn) => { drawMarks(drawn, marks); }]},
  }, [times, ...lines.map((line) => line.values)] as uPlot.AlignedData, into);
  into.tabIndex = 0;
  into.setAttribute('role', 'group');
  into.setAttribute('aria-label', `${label}. Arrow keys move through the values.`);
  into.addEventListener('keydown', (event) => moveCursor(plot, event));
  const observer = new ResizeObserver(() => {
    if (into.isConnected) plot.setSize({width: Math.max(240, into.clientWidth), height});
    else { observer.disconnect(); plot.destroy(); }
  });
  observer.observe(into);
}

// Every step from the first to the last, so that what is missing is a gap.
export function filled(times: number[], values: Values[], step: number): [number[], Values[]] {
  const first = times[0];
  const last = times[times.length - 1];
  if (first === undefined || last === undefined) return [[], values];
  const count = Math.round((last - first) / step) + 1;
  const all = Array.from({length: count}, (_, i) => first + i * step);
  const places = times.map((t) => Math.round((t - first) / step));
  const spread = values.map((column) => {
    const made: Values = new Array<null>(count).fill(null);
    places.forEach((place, i) => { made[place] = column[i] ?? null; });
    return made;
  });
  return [all, spread];
}
