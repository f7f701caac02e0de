import uPlot from 'uplot';
import {el, labels} from './dom';
import type {Values} from './api';
import type {Stretch} from './stretch';

export interface Line {
  label: string; values: Values; scale?: string; fill?: boolean;
  bars?: boolean;  // from zero, up or down, each as long as the step that ends there
}
// The least and the most of each step, drawn as an area behind the lines.
export interface Band { label: string; least: Values; most: Values }
export interface Mark { at: number; why: string }  // epoch seconds
export interface Gap { from: number; to: number; why: string }  // epoch seconds, the end exclusive
export interface Chart {
  label: string;
  times: number[];
  lines: Line[];
  height: number;
  band?: Band | null;
  marks?: Mark[];
  gaps?: Gap[];
  stretch?: Stretch;
  room?: boolean;      // at the right, for the second axis that another chart of the stretch has
  reversed?: boolean;  // rank 1 is at the top
  numbered?: boolean;  // the lines have their numbers at their ends
  limits?: [number, number];  // of the first axis
  is_strip?: boolean;  // below another chart of its stretch, which has the times
  said?: (value: number) => string;
}

const kColours = ['--c0', '--c1', '--c2', '--c3', '--c4', '--c5', '--c6', '--c7', '--c8', '--c9'];
const kDashes = [[], [6, 3], [2, 3], [10, 4], [8, 3, 2, 3]];
const kAxis = 62;
const kLetter = 6.5;
const kNextToAxis = 12;
const widest = (made: string[] | null) =>
  Math.max(0, ...(made ?? []).map((text) => text.length));
const kNumber = 16;
const kDense = 3;  // values a pixel
const kNearPixels = 10;

// A canvas cannot resolve light-dark() by itself. Asking costs a layout: never while drawing.
function css(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

const bars = uPlot.paths.bars?.({align: -1, size: [0.9, 40]});
const plain = new Intl.NumberFormat('en', {maximumFractionDigits: 2});
const wordsOf = (said = (value: number) => plain.format(value)) =>
  (value: number | null | undefined) => value === null || value === undefined ? '–' : said(value);

// A value between gaps is a point: a line has no length there. Looked for once, not at each frame.
const alone = (values: Values) => values.flatMap((value, i) =>
  value != null && values[i - 1] == null && values[i + 1] == null ? [i] : []);

// Where many values share a pixel, dashes could not be seen, and cost most of a frame.
const penOf = (place: number, is_dense: boolean) =>
  ({width: is_dense ? 1 : 1.75, dash: is_dense ? [] : kDashes[place % kDashes.length] ?? []});

function choosePens(plot: uPlot, lines: Line[]): void {
  const [from, to] = plot.series[0]?.idxs ?? [0, 0];
  const is_dense = to - from > kDense * plot.bbox.width / devicePixelRatio;
  lines.forEach((_line, i) => Object.assign(plot.series[i + 1] ?? {}, penOf(i, is_dense)));
}

function seriesOf(line: Line, place: number, words: ReturnType<typeof wordsOf>,
    is_strip: boolean, points: number[][]): uPlot.Series {
  const colour = css(is_strip ? '--c2' : kColours[place % kColours.length] ?? '--c0');
  return {
    label: line.label, scale: line.scale ?? 'y', stroke: colour, ...penOf(place, false),
    spanGaps: false,
    points: line.bars ? {show: false} : {show: true, size: 5, fill: colour, filter: () => points[place] ?? []},
    ...(line.bars ? {paths: bars} : {}),
    fill: line.bars ? colour : line.fill ? css('--band') : undefined,
    value: (_plot, value: number | null) => words(value)};
}

// The upper edge speaks for both.
function bandSeries(band: Band, words: ReturnType<typeof wordsOf>): uPlot.Series[] {
  const edge = {scale: 'y', width: 0, points: {show: false}, spanGaps: false};
  return [
    {...edge, label: band.label, stroke: css('--c0'), value: (_plot, most: number | null, _i, at) =>
      at === null || at === undefined ? '–' : `${words(band.least[at])} to ${words(most)}`},
    {...edge, label: '', class: 'hidden'}];
}

// With two of them, each has the colour of its line.
function axisOf(scale: string, place: number, scales: string[],
    {lines, limits}: Chart): uPlot.Axis {
  const own = lines.findIndex((line) => (line.scale ?? 'y') === scale);
  const colour = scales.length > 1 ? kColours[own % kColours.length] ?? '--muted' : '--muted';
  return {
    scale, side: place === 0 ? 3 : 1, stroke: css(colour),
    size: (_plot, made) => Math.max(kAxis, widest(made) * kLetter + kNextToAxis),
    grid: {show: place === 0, stroke: css('--line'), width: 1},
    ...(limits ? {splits: limits} : {}),
    ticks: {show: false}, values: (_plot, values) => labels(values)};
}

const kMinute = 60;
const kDay = 86_400;
const kSteps = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 10080, 43200]
  .map((minutes) => minutes * kMinute);
const dayFormat = new Intl.DateTimeFormat('en-GB', {day: 'numeric', month: 'short'});
const clockFormat = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit'});

// Days; or hours and minutes, and at the first mark, and where a day begins, the day too.
function timeMarks(_plot: uPlot, marks: number[], _axis: number, _space: number,
    step: number): string[] {
  let day = '';
  return marks.map((mark) => {
    const at = new Date(mark * 1000);
    const today = dayFormat.format(at);
    if (step >= kDay) return today;
    const clock = clockFormat.format(at);
    const text = today === day ? clock : `${clock}\n${today}`;
    day = today;
    return text;
  });
}

// Small triangles above the times named.
function drawMarks(plot: uPlot, marks: Mark[], colour: string): void {
  const {ctx, bbox} = plot;
  const size = 5 * devicePixelRatio;
  ctx.fillStyle = colour;
  for (const {at} of marks) {
    const x = plot.valToPos(at, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x - size, bbox.top);
    ctx.lineTo(x + size, bbox.top);
    ctx.lineTo(x, bbox.top + 1.6 * size);
    ctx.fill();
  }
}

// The sentences of the marks that the cursor is at, in a line below the chart.
function sayMarks(plot: uPlot, marks: Mark[], into: HTMLElement): void {
  const {left = -1} = plot.cursor;
  const near = left < 0 ? [] : marks.filter(({at}) =>
    Math.abs(plot.valToPos(at, 'x') - left) <= kNearPixels);
  const text = near.length === 0 ? '▼ Signals: hover over one for details.'
    : `▼ ${near.map(({why}) => why).join(' · ')}`;
  if (into.textContent !== text) into.textContent = text;
}

// The number of each line at its last value, apart from each other.
function drawNumbers(plot: uPlot, lines: Line[], colours: string[]): void {
  const {ctx, bbox} = plot;
  const apart = 12 * devicePixelRatio;
  const ends = lines.flatMap((line, i) => {
    const value = ((plot.data[i + 1] ?? []) as Values).findLast((one) => one != null);
    return value == null ? [] : [{name: String(i + 1), colour: colours[i] ?? '',
      y: plot.valToPos(value, line.scale ?? 'y', true)}];
  }).sort((a, b) => a.y - b.y);
  ctx.save();
  ctx.font = `600 ${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textBaseline = 'middle';
  let free = bbox.top;
  for (const {name, colour, y} of ends) {
    free = Math.max(y, free);
    ctx.fillStyle = colour;
    ctx.fillText(name, bbox.left + bbox.width + 4 * devicePixelRatio, free);
    free += apart;
  }
  ctx.restore();
}

// Hatched, behind the lines; the page lists them with their reasons.
function drawGaps(plot: uPlot, gaps: Gap[], colour: string): void {
  const {ctx, bbox} = plot;
  const right = bbox.left + bbox.width;
  const between = 6 * devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.globalAlpha = 0.6;
  ctx.lineWidth = devicePixelRatio;
  for (const gap of gaps) {
    const from = Math.max(bbox.left, plot.valToPos(gap.from, 'x', true));
    const to = Math.min(right, Math.max(from + 1, plot.valToPos(gap.to, 'x', true)));
    if (to <= bbox.left || from >= right) continue;
    const lines = new Path2D();
    for (let x = from - bbox.height; x < to; x += between) {
      lines.moveTo(x, bbox.top + bbox.height);
      lines.lineTo(x + bbox.height, bbox.top);
    }
    ctx.save();
    ctx.beginPath();
    ctx.rect(from, bbox.top, to - from, bbox.height);
    ctx.clip();
    ctx.stroke(lines);
    ctx.restore();
  }
  ctx.restore();
}

// What the keyboard comes to, as a screen reader is to say it.
function sayCursor(plot: uPlot, into: HTMLElement): void {
  const words = [...plot.root.querySelectorAll('.u-series:not(.hidden)')].map((row) =>
    `${row.querySelector('.u-label')?.textContent}: ${row.querySelector('.u-value')?.textContent}`);
  into.textContent = words.join(', ');
}

function moveCursor(plot: uPlot, by: number): void {
  const times = plot.data[0];
  if (times.length === 0) return;
  const from = plot.cursor.idx ?? times.length - 1;
  const to = Math.min(times.length - 1, Math.max(0, from + by));
  // Within what is shown: beside it there is no cursor.
  const left = Math.min(plot.bbox.width / devicePixelRatio,
    Math.max(0, plot.valToPos(times[to] ?? 0, 'x')));
  plot.setCursor({left, top: plot.bbox.height / 4});
}

const kKeys: Record<string, (stretch: Stretch) => void> = {
  '+': (s) => s.zoom(0.5), '-': (s) => s.zoom(2), 0: (s) => s.reset()};

function listenToKeys(into: HTMLElement, plot: uPlot, stretch: Stretch | undefined): void {
  const heard = el('p', {class: 'heard', 'aria-live': 'polite'});
  into.append(heard);
  into.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const side = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
    const act = stretch ? kKeys[event.key] : undefined;
    if (side === 0 && !act) return;
    event.preventDefault();
    if (side === 0 && stretch) act?.(stretch);
    else if (event.shiftKey && stretch) stretch.move(side / 4);
    else {
      moveCursor(plot, side);
      sayCursor(plot, heard);
    }
  });
}

// Shift and drag, a finger, or a wheel that turns sideways.
function listenToPointer(plot: uPlot, stretch: Stretch): void {
  const {over} = plot;
  let last: number | null = null;
  const move = (pixels: number) => stretch.move(-pixels / over.clientWidth);
  over.addEventListener('pointerdown', (event) => {
    if (!event.shiftKey && event.pointerType !== 'touch') return;
    last = event.clientX;
    over.setPointerCapture(event.pointerId);
  });
  over.addEventListener('pointermove', (event) => {
    if (last === null) return;
    move(event.clientX - last);
    last = event.clientX;
  });
  for (const end of ['pointerup', 'pointercancel']) over.addEventListener(end, () => { last = null; });
  over.addEventListener('wheel', (event) => {
    if (Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
    event.preventDefault();
    move(-event.deltaX);
  }, {passive: false});
}

// Without a cursor the legend says what is newest.
function restLegend(plot: uPlot): void {
  if ((plot.cursor.left ?? -1) >= 0) return;
  const idx = (plot.data[1] ?? []).findLastIndex((value) => value != null);
  if (idx >= 0) plot.setLegend({idx}, false);
}

function hooksOf(what: Chart, words: HTMLElement | null): uPlot.Hooks.Arrays {
  const {gaps = [], marks = [], stretch} = what;
  const mark = css('--c5');
  const hatch = css('--muted');
  const colours = what.lines.map((_line, i) => css(kColours[i % kColours.length] ?? '--c0'));
  return {
    drawClear: [(plot) => choosePens(plot, what.lines)],
    drawAxes: [(plot) => drawGaps(plot, gaps, hatch)],
    draw: [(plot) => {
      drawMarks(plot, marks, mark);
      if (what.numbered) drawNumbers(plot, what.lines, colours);
    }],
    ready: [restLegend],
    setData: [restLegend],
    setCursor: [(plot) => {
      restLegend(plot);
      if (words) sayMarks(plot, marks, words);
    }],
    setScale: [(plot, key) => {
      const {min, max} = plot.scales.x ?? {};
      if (key !== 'x' || !stretch || min === undefined || max === undefined) return;
      const now = stretch.bounds;  // what a drag or a double click on this chart made
      if (Math.abs(min - now.from) > 1 || Math.abs(max - now.to) > 1) stretch.show(min, max);
    }]};
}

function timeWords(gaps: Gap[]): (plot: uPlot, at: number | null) => string {
  return (_plot, at) => {
    if (at === null || at === undefined) return '–';
    const day = new Date(at * 1000);
    const gap = gaps.find((one) => one.from <= at && at < one.to);
    return `${dayFormat.format(day)}, ${clockFormat.format(day)}${gap ? ` · ${gap.why}` : ''}`;
  };
}

const columnsOf = (times: number[], lines: Values[], band?: Band | null) =>
  [times, ...lines, ...(band ? [band.most, band.least] : [])] as uPlot.AlignedData;

function scalesOf({reversed, limits}: Chart): Record<string, uPlot.Scale> {
  const y: uPlot.Scale = reversed ? {dir: -1, range: (_plot, least, most) =>
    [Math.max(1, Math.floor(least - 1)), Math.ceil(most + 1)]} : limits ? {range: limits} : {};
  return {x: {time: true}, y};
}

// Charts of one stretch show the same time under the pointer; each drags for itself.
const syncOf = (stretch: Stretch | undefined): uPlot.Cursor => stretch ? {sync: {
  key: stretch.name, setSeries: false,
  filters: {pub: (type) => type === 'mousemove' || type === 'mouseleave', sub: () => true}}} : {};

export type Redraw = (times: number[], lines: Values[], band?: Band | null) => void;

// Drag zooms, a double click shows all again, arrows move the cursor; null is a gap. Gives what
// draws other values in the same chart, when its stretch next changes.
export function chart(into: HTMLElement, what: Chart): Redraw {
  const {times, lines, band, stretch, height, gaps = [], marks = []} = what;
  const scales = [...new Set(lines.map((line) => line.scale ?? 'y'))];
  const said = wordsOf(what.said);
  const width = () => Math.max(240, into.clientWidth);
  const unlessShift = (_plot: uPlot, _target: HTMLElement, handle: (e: MouseEvent) => null) =>
    (event: MouseEvent) => event.shiftKey ? null : handle(event);
  const words = marks.length > 0 ? el('p', {class: 'note marked', 'aria-live': 'polite'}) : null;
  const right = scales.length > 1 ? null
    : ({width: wide}: uPlot) => what.room && wide > 600 ? kAxis : kNumber;
  const points = lines.map((line) => alone(line.values));
  const plot = new uPlot({
    width: width(), height, padding: [what.is_strip ? 8 : null, right, what.is_strip ? 8 : null,
      null], scales: scalesOf(what),
    series: [{label: 'Time', value: timeWords(gaps)},
      ...lines.map((line, i) => seriesOf(line, i, said, what.is_strip ?? false, points)), ...(band ? bandSeries(band, said) : [])],
    bands: band ? [{series: [lines.length + 1, lines.length + 2], fill: css('--range')}] : [],
    axes: [
      {show: !what.is_strip, stroke: css('--muted'), grid: {show: false}, ticks: {show: false},
        incrs: kSteps, values: timeMarks},
      ...scales.slice(0, 2).map((scale, i) => axisOf(scale, i, scales, what))],
    cursor: {drag: {x: true, y: false}, bind: {mousedown: unlessShift}, ...syncOf(stretch)},
    legend: {markers: {dash: (_plot, i) =>
      (kDashes[(i - 1) % kDashes.length] ?? []).length > 0 ? 'dashed' : 'solid'}},
    hooks: hooksOf(what, words),
  }, columnsOf(times, lines.map((line) => line.values), band), into);
  if (words) into.append(words);
  into.tabIndex = 0;
  into.setAttribute('role', 'group');
  into.setAttribute('aria-label', `${what.label}. Arrow keys move through values${
    stretch ? '; Shift+arrow pans, plus and minus zoom, 0 resets' : ''}.`);
  listenToKeys(into, plot, stretch);
  if (stretch) {
    listenToPointer(plot, stretch);
    stretch.follow(({from, to}) => plot.setScale('x', {min: from, max: to}));
  }
  const observer = new ResizeObserver(() => {
    if (into.isConnected) plot.setSize({width: width(), height});
    else { observer.disconnect(); plot.destroy(); }
  });
  observer.observe(into);
  return (newer, values, edges) => {
    values.forEach((column, i) => { points[i] = alone(column); });
    plot.setData(columnsOf(newer, values, edges), false);
  };
}

// Every step from the first to the last, or `until`, so that what is missing is a gap.
export function filled(times: number[], values: Values[], step: number,
    until = 0): [number[], Values[]] {
  const first = times[0];
  if (first === undefined) return [[], values];
  const last = Math.max(until, times[times.length - 1] ?? first);
  const count = Math.floor((last - first) / step) + 1;
  const all = Array.from({length: count}, (_, i) => first + i * step);
  const places = times.map((t) => Math.round((t - first) / step));
  const spread = values.map((column) => {
    const made: Values = new Array<null>(count).fill(null);
    places.forEach((place, i) => { made[place] = column[i] ?? null; });
    return made;
  });
  return [all, spread];
}
