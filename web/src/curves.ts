import {series} from './api';
import type {Gaps, Influencer, Range, Series, Values} from './api';
import {chart, filled} from './chart';
import type {Band, Mark, Redraw} from './chart';
import {changes, isEmpty, put} from './columns';
import type {Columns} from './columns';
import {el, number, table, time} from './dom';
import {drawnGaps, gapsIn, gapTable} from './gaps';
import {watch} from './live';
import {ranks, rankStep} from './ranks';
import {stretchOf, stretchTools} from './stretch';
import type {Stretch} from './stretch';
import {lazy, note, plotBox, reason, section, signed} from './views/parts';

export interface Shown {
  id: string;
  name: string;
  range: Range;
  args: URLSearchParams;
  data: Series;
  both: [Series, Series] | null;  // the least and the most of each step
  missing: Gaps | null;
  marks: Mark[];
  newest: number;    // complete minute, epoch seconds
}

const kChangeSteps: [number, string][] = [[60, 'minute'], [300, '5 minutes'], [900, '15 minutes'],
  [3600, 'hour'], [21_600, '6 hours'], [86_400, 'day']];
const kChangesMost = 200;
const kRowsListed = 200;
const kLately = 10;            // steps
const kGapsEveryMs = 60_000;

// One curve: what it shows of its columns, and what a new value adds to them.
interface Curve {
  columns: Columns;
  row: (now: Influencer, before: Values) => Values;
  redraw: (columns: Columns) => void;
}
interface Counts { curve: Curve; stretch: Stretch; learn: (missing: Gaps) => void }

const bandOf = (values: Values[], step: number): Band | null => {
  const [, , , least, most] = values;
  return least && most ? {label: `In ${step / 60} minutes`, least, most} : null;
};

function listed(summary: string, head: string, times: number[], values: Values,
    said: (value: number) => string): HTMLElement {
  const rows = times.flatMap((at, i) => {
    const value = values[i] ?? null;
    return value === null ? [] : [[time(at * 1000), said(value)]];
  });
  return el('details', {}, el('summary', {}, summary),
    table('The newest first', ['Time', head], rows.slice(-kRowsListed).reverse(), 'words'));
}

// `between` goes between its two charts.
function counts(into: HTMLElement, between: HTMLElement,
    shown: Shown): Counts | null {
  const {data, both, name} = shown;
  const step = data.step_seconds;
  const [times, values] = filled(data.time_ms.map((t) => t / 1000), [data.follower_count,
    data.following_count, data.follower_ratio, ...(both ?? []).map((one) => one.follower_count)],
  step, shown.newest);
  const [followers = [], following = [], ratios = []] = values;
  if (isEmpty(followers)) return null;
  const gaps = drawnGaps(times, followers, step, shown.missing);
  const stretch = stretchOf(times, shown.args);
  const above = plotBox();
  const below = plotBox();
  let listing = gapTable(shown.missing);
  into.append(section('Followers', above, stretchTools(stretch), listing), between,  section('Following and ratio', below));
  const main = chart(above, {label: `Followers of ${name}`, times, height: 320, stretch, gaps,
    marks: shown.marks, lines: [{label: 'Followers', values: followers}],
    band: bandOf(values, step)});
  const rest = chart(below, {label: `Following and ratio of ${name}`, times, height: 200, stretch,
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
  const learn = (missing: Gaps) => {
    gaps.splice(0, gaps.length, ...drawnGaps(times, followers, step, missing));
    curve.redraw(columns);
    const fresh = gapTable(missing);
    listing.replaceWith(fresh);
    listing = fresh;
  };
  return {curve, stretch, learn};
}

// By steps of its own, as the change in a pixel says nothing.
async function growth(into: HTMLElement, shown: Shown,
    stretch: Stretch): Promise<Curve | null> {
  const {seconds} = shown.range;
  const [step, word] = kChangeSteps.find(([one]) => seconds / one <= kChangesMost)
    ?? [86_400, 'day'];
  const data = await series(shown.id, {seconds: seconds + step, step});
  const [times, [followers = []]] = filled(data.time_ms.map((t) => t / 1000),
    [data.follower_count], step, shown.newest);
  const box = plotBox();
  const label = `Change of followers per ${word}`;
  if (isEmpty(changes(followers))) {
    into.replaceChildren(section(label, note('A change needs two values: there is one so far.')));
    return null;
  }
  into.replaceChildren(section(label, box,
    listed('As a table', 'Change', times, changes(followers), signed)));
  const redraw: Redraw = chart(box, {label: `${label}, ${shown.name}`, times, height: 160, stretch,
    lines: [{label: 'Change', values: changes(followers), bars: true}]});
  return {
    columns: {step, times, values: [followers]}, row: (now) => [now.follower_count],
    redraw: ({times: t, values: [column = []]}) => redraw(t, [changes(column)])};
}

async function rank(into: HTMLElement, shown: Shown, stretch: Stretch,
    step: number): Promise<Curve | null> {
  const found = await ranks(shown.id, shown.range.seconds, step);
  const [times, [places = []]] = filled(found.times, [found.values], step);
  if (isEmpty(places)) {
    into.replaceChildren(note('There is no rank in this range.'));
    return null;
  }
  const box = plotBox();
  into.replaceChildren(box, listed('As a table', 'Rank', times, places, number));
  const redraw = chart(box, {label: `Rank of ${shown.name}`, times, height: 200, stretch,
    reversed: true, lines: [{label: 'Rank', values: places}]});
  return {
    columns: {step, times, values: [places]}, row: (now, [before]) => [before ?? now.rank],
    redraw: ({times: t, values}) => redraw(t, values)};
}

// Each value that comes goes on with the curves, until the page shows something else. Where it
// comes after a hole, why there is one is asked for.
function follow(into: HTMLElement, shown: Shown, {stretch, learn}: Counts, curves: Curve[],
    tell: (now: Influencer) => void): void {
  let asked = 0;
  watch({id: shown.id, tell: (now) => {
    if (!into.isConnected || now.retrieved_at === null) return;
    const at = Date.parse(now.retrieved_at) / 1000;
    for (const {columns, row, redraw} of curves) {
      put(columns, at, (before) => row(now, before), shown.range.seconds);
      redraw(columns);
    }
    const [{columns: {times, values: [followers = []]}}] = curves as [Curve];
    stretch.reach({from: times[0] ?? at, to: times[times.length - 1] ?? at});
    if (followers.slice(-kLately).includes(null) && Date.now() - asked > kGapsEveryMs) {
      asked = Date.now();
      gapsIn(shown.id, shown.range).then(learn, () => { /* Another time. */ });
    }
    tell(now);
  }});
}

// The curves of one influencer, on one stretch of time. `again` begins anew, with the first value.
export function curves(into: HTMLElement, shown: Shown, tell: (now: Influencer) => void,
    again: () => void): void {
  const between = el('div', {}, note('Loading…'));
  const counted = counts(into, between, shown);
  if (!counted) {
    into.append(note('There is no value in this range.'));
    return watch({id: shown.id, tell: (now) => {
      const at = now.retrieved_at === null ? 0 : Date.parse(now.retrieved_at);
      if (into.isConnected && Date.now() - at < shown.range.seconds * 1000) again();
    }});
  }
  const {curve, stretch} = counted;
  const all = [curve];
  follow(into, shown, counted, all, tell);
  const add = (place: HTMLElement, what: string, making: Promise<Curve | null>) => making.then(
    (made) => { if (made) all.push(made); },
    (error: unknown) => place.replaceChildren(note(`${what} cannot be shown: ${reason(error)}`)));
  void add(between, 'Growth', growth(between, shown, stretch));
  const step = rankStep(shown.range.seconds);
  const places = el('div', {}, note(step === null ? 'Ranks are counted for up to 7 days.'
    : 'Counting ranks among everybody, minute by minute…'));
  into.append(section('Rank, the best at the top', places));
  if (step === null) return;
  lazy(places, () => add(places, 'Ranks', rank(places, shown, stretch, step)));
}
