import {series} from './api';
import type {Gaps, Influencer, Range, Series, Values} from './api';
import {chart, filled} from './chart';
import type {Band, Mark, Redraw} from './chart';
import {changes, isEmpty, put} from './columns';
import type {Columns} from './columns';
import {el, number, refill, signed, table, time} from './dom';
import {drawnGaps, gapTable} from './gaps';
import {watch} from './live';
import {kFewer, ranks, rankStep} from './ranks';
import {stretchOf, stretchTools} from './stretch';
import type {Stretch} from './stretch';
import {lazy, note, plotBox, reason, section} from './views/parts';

export interface Shown {
  id: string;
  name: string;
  range: Range;
  args: URLSearchParams;
  data: Series;
  both: [Series, Series] | null;  // the least and the most of each step
  missing: Gaps | null;
  marks: Mark[];
  newest: number;       // complete minute, epoch seconds; 0: the last of the data
  is_live: boolean;     // values that come go on with the curves
  is_trimmed: boolean;  // what is before the first value is not shown
  tell: (now: Influencer) => void;
  again: () => void;    // begins the page anew
}
// What was not known yet when the curves were drawn.
export interface Curves { learn: (missing: Gaps | null, marks: Mark[]) => void }

const kChangeSteps: [number, string][] = [[60, 'minute'], [300, '5 minutes'], [900, '15 minutes'],
  [3600, 'hour'], [21_600, '6 hours'], [86_400, 'day']];
const kChangesMost = 200;
const kRowsListed = 200;
const kHigh = 300;
const kLow = 170;

// One curve: what it shows of its columns, and what a new value adds to them.
interface Curve {
  columns: Columns;
  row: (now: Influencer, before: Values) => Values;
  redraw: (columns: Columns) => void;
}
interface Counts extends Curves { curve: Curve; stretch: Stretch }

const bandOf = (values: Values[], step: number): Band | null => {
  const [, , , least, most] = values;
  return least && most ? {label: `Min to max per ${step / 60} min`, least, most} : null;
};

// What is before the first value goes.
function trimmed(times: number[], values: Values[]): [number[], Values[]] {
  const first = Math.max(0, (values[0] ?? []).findIndex((value) => value !== null));
  return [times.slice(first), values.map((column) => column.slice(first))];
}

function listed(summary: string, head: string, times: number[], values: Values,
    said: (value: number) => string): HTMLElement {
  const rows = times.flatMap((at, i) => {
    const value = values[i] ?? null;
    return value === null ? [] : [[time(at * 1000), said(value)]];
  });
  return el('details', {}, el('summary', {}, summary),
    table('Newest first', ['Time', `#${head}`], rows.slice(-kRowsListed).reverse()));
}

// `between` goes between its two charts. Nothing without a value.
function counts(into: HTMLElement, between: HTMLElement, shown: Shown): Counts | null {
  const {data, both, name, marks} = shown;
  const step = data.step_seconds;
  const all = filled(data.time_ms.map((t) => t / 1000), [data.follower_count,
    data.following_count, data.follower_ratio, ...(both ?? []).map((one) => one.follower_count)],
  step, shown.newest);
  const [times, values] = shown.is_trimmed ? trimmed(...all) : all;
  const [followers = [], following = [], ratios = []] = values;
  if (isEmpty(followers)) return null;
  const gaps = drawnGaps(times, followers, step, shown.missing);
  const stretch = stretchOf(times, shown.args);
  const above = plotBox(kHigh);
  const below = plotBox(kLow);
  const listing = el('div', {}, gapTable(shown.missing));
  into.append(section('Followers', above, stretchTools(stretch), listing), between,
    section('Following and ratio', below));
  const main = chart(above, {label: `Followers of ${name}`, times, height: kHigh, stretch, gaps,
    marks, room: true, lines: [{label: 'Followers', values: followers, fill: !both}],
    band: bandOf(values, step)});
  const rest = chart(below, {label: `Following and ratio of ${name}`, times, height: kLow, stretch,
    gaps, lines: [{label: 'Following', values: following},
      {label: 'Ratio', values: ratios, scale: 'r'}]});
  const columns = {step, times, values};
  const curve: Curve = {
    columns,
    row: (now, [, , , least, most]) => {
      const count = now.follower_count ?? 0;
      return [now.follower_count, now.following_count, now.follower_ratio,
        Math.min(least ?? count, count), Math.max(most ?? count, count)];
    },
    redraw: ({times: t, values: [a = [], b = [], c = [], ...edges]}) => {
      main(t, [a], bandOf([a, b, c, ...edges], step));
      rest(t, [b, c]);
    }};
  return {curve, stretch, learn: (missing, found) => {
    gaps.splice(0, gaps.length, ...drawnGaps(times, followers, step, missing));
    marks.splice(0, marks.length, ...found);
    curve.redraw(columns);
    stretch.redraw();
    refill(listing, gapTable(missing));
  }};
}

// By steps of its own, as the change in a pixel says nothing.
async function growth(into: HTMLElement, shown: Shown, stretch: Stretch): Promise<Curve | null> {
  const {seconds, end} = shown.range;
  const [step, word] = kChangeSteps.find(([one]) => seconds / one <= kChangesMost)
    ?? [86_400, 'day'];
  const data = await series(shown.id,
    {seconds: seconds + step, step, ...(end === undefined ? {} : {end})});
  if (!into.isConnected) return null;
  const [times, [followers = []]] = filled(data.time_ms.map((t) => t / 1000),
    [data.follower_count], step, shown.newest);
  const label = `Follower change per ${word}`;
  if (isEmpty(changes(followers))) {
    into.replaceChildren(section(label, note('Not enough values yet: needs two consecutive '
      + `values, one per ${word}.`)));
    return null;
  }
  const box = plotBox(kLow);
  into.replaceChildren(section(label, box,
    listed('Show as table', 'Change', times, changes(followers), signed)));
  const redraw: Redraw = chart(box, {label: `${label}, ${shown.name}`, times, height: kLow, stretch,
    room: true, said: signed, lines: [{label: 'Change', values: changes(followers), bars: true}]});
  return {
    columns: {step, times, values: [followers]}, row: (now) => [now.follower_count],
    redraw: ({times: t, values: [column = []]}) => redraw(t, [changes(column)])};
}

async function rank(into: HTMLElement, shown: Shown, stretch: Stretch,
    step: number): Promise<Curve | null> {
  const found = await ranks(shown.id, shown.range, step);
  if (!into.isConnected) return null;
  const [times, [places = []]] = filled(found.times, [found.values], step);
  if (isEmpty(places)) {
    into.replaceChildren(note('No rank in this range.'));
    return null;
  }
  const box = plotBox(kLow);
  into.replaceChildren(box, found.is_damaged ? note(kFewer) : '',
    listed('Show as table', 'Rank', times, places, number));
  const redraw = chart(box, {label: `Rank of ${shown.name}`, times, height: kLow, stretch,
    room: true, reversed: true, lines: [{label: 'Rank', values: places}]});
  return {
    columns: {step, times, values: [places]}, row: (now, [before]) => [before ?? now.rank],
    redraw: ({times: t, values}) => redraw(t, values)};
}

// Each value that comes goes on with the curves, until the page shows something else.
function follow(into: HTMLElement, shown: Shown, stretch: Stretch, curves: Curve[]): void {
  watch({id: shown.id, tell: (now) => {
    if (!into.isConnected || now.retrieved_at === null) return;
    const at = Date.parse(now.retrieved_at) / 1000;
    for (const {columns, row, redraw} of curves) {
      put(columns, at, (before) => row(now, before), shown.range.seconds);
      redraw(columns);
    }
    const [{columns: {times}}] = curves as [Curve];
    stretch.reach({from: times[0] ?? at, to: times[times.length - 1] ?? at});
    shown.tell(now);
  }});
}

// Without a value in its range, the page begins anew with the first one.
function awaitValue(into: HTMLElement, {id, range, again}: Shown): void {
  watch({id, tell: ({retrieved_at}) => {
    const at = retrieved_at === null ? 0 : Date.parse(retrieved_at);
    if (into.isConnected && Date.now() - at < range.seconds * 1000) again();
  }});
}

// The curves of one influencer, on one stretch of time. Nothing without a value.
export function curves(into: HTMLElement, shown: Shown): Curves | null {
  const between = el('div', {}, note('Loading…'));
  const counted = counts(into, between, shown);
  if (!counted) {
    into.append(section('Followers', note('No values in this range.')));
    if (shown.is_live) awaitValue(into, shown);
    return null;
  }
  const {curve, stretch} = counted;
  const all = [curve];
  if (shown.is_live) follow(into, shown, stretch, all);
  const add = (place: HTMLElement, what: string, making: Promise<Curve | null>) => making.then(
    (made) => { if (made) all.push(made); },
    (error: unknown) => place.replaceChildren(note(`${what} not available: ${reason(error)}`)));
  void add(between, 'Growth', growth(between, shown, stretch));
  const step = rankStep(shown.range.seconds);
  const places = el('div', {}, note(step === null ? 'Ranks are available for up to 7 days.'
    : 'Computing ranks minute by minute…'));
  into.append(section('Rank over time', places));
  if (step !== null) lazy(places, () => add(places, 'Rank', rank(places, shown, stretch, step)));
  return counted;
}
