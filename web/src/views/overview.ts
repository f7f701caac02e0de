import {get, minutes as recent} from '../api';
import type {Candidates, Minutes, Movers, Summary, Suspicious, Values} from '../api';
import {chart, filled} from '../chart';
import type {Gap, Redraw} from '../chart';
import {age, compact, el, number, percent, ratio, refill, signed, signedPercent, table, tile, time}
  from '../dom';
import {saidReason, saidReasons} from '../gaps';
import {stretchOf, stretchTools} from '../stretch';
import type {Stretch} from '../stretch';
import {isWhole} from '../whole';
import {buttonTo, choices, link, movers, leaders, note, oneOf, orNothing, plotBox, section}
  from './parts';
import type {Live, View} from './parts';

const kListed = 8;
const kHours = 6;
const kMinute = 60;
const kStrip = 46;

// ---- the average and how much of everybody it is of

interface Curve { times: number[]; average: Values; coverage: Values; gaps: Gap[] }

function curveOf(minutes: Minutes): Curve {
  const closed = minutes.items.filter((item) => item.closed);
  const [times, [average = [], coverage = []]] = filled(
    closed.map((item) => Date.parse(item.minute) / 1000),
    [closed.map((item) => !isWhole(item) ? null : item.followers_average),
      closed.map((item) => item.lost ? null : item.coverage * 100)], kMinute);
  const gaps = closed.filter((item) => !isWhole(item)).map((item) => {
    const from = Date.parse(item.minute) / 1000;
    return {from, to: from + kMinute, why: item.lost ? saidReason('damaged')
      : `${number(item.stored)} of ${number(item.due)} stored`
        + `: ${saidReasons(Object.keys(item.missed))}`};
  });
  return {times, average, coverage, gaps};
}

function listed({times, average, coverage}: Curve): HTMLElement {
  const rows = times.map((at, i) => [time(at * 1000), number(average[i] ?? null),
    coverage[i] == null ? '–' : percent((coverage[i] ?? 0) / 100)]);
  return el('details', {}, el('summary', {}, 'Show as table'), table('Newest first',
    ['Minute', '#Average followers', '#Coverage'], rows.reverse()));
}

// Two charts on one stretch; gives what draws newer minutes in them.
function averageCharts(into: HTMLElement, minutes: Minutes,
    args: URLSearchParams): ((newer: Minutes) => void) | null {
  const curve = curveOf(minutes);
  if (curve.times.length === 0) {
    into.append(note('No complete minute yet. The first one takes a minute or two.'));
    return null;
  }
  const stretch: Stretch = stretchOf(curve.times, args);
  const above = plotBox(230);
  const below = plotBox(kStrip);
  const words = el('div', {}, listed(curve));
  const {gaps} = curve;
  into.append(above, below, stretchTools(stretch), words);
  const redraws: [Redraw, Redraw] = [
    chart(above, {label: 'Average followers by minute', times: curve.times, height: 230, stretch,
      gaps, said: number,
      lines: [{label: 'Average followers', values: curve.average, fill: true}]}),
    chart(below, {label: 'Coverage by minute', times: curve.times, height: kStrip, stretch,
      limits: [0, 100], is_strip: true, said: (value) => percent(value / 100),
      lines: [{label: 'Coverage (%)', values: curve.coverage, bars: true}]})];
  return (newer) => {
    const now = curveOf(newer);
    gaps.splice(0, gaps.length, ...now.gaps);
    redraws[0](now.times, [now.average]);
    redraws[1](now.times, [now.coverage]);
    stretch.reach({from: now.times[0] ?? 0, to: now.times[now.times.length - 1] ?? 0});
    refill(words, listed(now));
  };
}

// ---- lists

const kBy: Record<string, string> = {absolute: 'by count', percent: 'by percent'};

// Who rose and who fell most, of a window whose beginning is known.
async function growth(summary: Summary, args: URLSearchParams): Promise<HTMLElement[]> {
  const known = Object.keys(summary.movers_since).filter((name) => summary.movers_since[name]);
  const title = el('h2', {}, 'Risers and fallers');
  if (known.length === 0) return [title, note('Available a minute or two after startup.')];
  const window = oneOf(args, 'window', known);
  const by = oneOf(args, 'by', Object.keys(kBy));
  const path = `/api/v1/movers?window=${window}&by=${by}&limit=${kListed}&direction=`;
  const [up, down] = await Promise.all([get<Movers>(`${path}up`), get<Movers>(`${path}down`)]);
  const rest = up.compared - up.risen - up.fallen;
  const since = note('Since ', time(up.since),
    up.complete ? '' : ' (start of data)', `: ${number(up.risen)} rose, `
    + `${number(up.fallen)} fell, ${number(rest)} unchanged.`,
    by === 'percent' ? ` Only influencers that had at least ${number(up.percent_base_min)} `
      + 'followers.' : '',
    up.damaged ? ` Some influencers are not compared: ${saidReason('damaged')}.` : '');
  return [title,
    el('div', {class: 'tools'},
      choices('Time window', known, window, (name) => `#/?window=${name}&by=${by}`),
      choices('Sort by', Object.keys(kBy), by, (name) => `#/?window=${window}&by=${name}`, kBy)),
    since,
    el('div', {class: 'halves'}, movers('Risers', up.items), movers('Fallers', down.items))];
}

async function suspicious(summary: Summary): Promise<HTMLElement[]> {
  const title = el('h2', {}, 'Newly suspicious');
  if (!summary.verdicts) return [title, note('Network verdicts are not available.')];
  if (summary.verdicts.suspicious === 0) {
    return [title, note('None so far. Every influencer is checked daily.')];
  }
  const newest = await get<Suspicious>(`/api/v1/verdicts?limit=${kListed}`);
  return [title, table('Flagged by the network; counts when checked',
    ['Influencer', 'Since', '#Followers', '#Following', '#Ratio'],
    newest.items.map((item) => [link(item), time(item.changed_at),
      number(item.judged_follower_count), number(item.judged_following_count),
      ratio(item.judged_follower_ratio)])),
  el('p', {}, el('a', {href: '#/leaderboard?verdict=suspicious'}, 'Show all'))];
}

// What the page of each confirms or not.
async function jumps(): Promise<HTMLElement[]> {
  const {candidates, jump_z} = await get<Candidates>(`/api/v1/signals?limit=${kListed}`);
  const title = el('h2', {}, 'Unusual jumps');
  const words = note('Signals, independent of the network verdict: changes of more than ',
    `${number(jump_z)} × the influencer’s usual change per minute. Its page shows whether the `,
    'level stayed, as it does with bought followers.');
  if (candidates.length === 0) {
    return [title, note('None in the last day, or since this program started.'), words];
  }
  return [title, table('Newest first', ['Influencer', 'Time', '#Change', '#× usual'],
    candidates.map((one) => [link(one, '?range=6h'), time(one.end), signed(one.size),
      number(one.score)])), words];
}

// ---- tiles

function checked({verdicts, registered}: Summary): HTMLElement[] {
  if (!verdicts) return [];
  const share = verdicts.suspicious_share === null ? '–' : percent(verdicts.suspicious_share);
  const made = tile('Suspicious (of checked)', share);
  const all = registered ?? verdicts.checked;
  made.append(
    el('progress', {max: String(Math.max(1, all)), value: String(verdicts.checked_last_day),
      'aria-label': 'Checked in the last day'}),
    el('span', {}, `${number(verdicts.checked_last_day)} of ${number(all)} checked in the last `
      + 'day'));
  return [made];
}

function coverageTile({minute}: Summary): HTMLElement {
  const is_low = minute !== null && !isWhole(minute);
  const made = tile('Coverage, last minute',
    minute ? `${is_low ? '▲ ' : ''}${percent(minute.coverage)}` : '–');
  if (is_low) made.classList.add('low-tile');
  if (minute) {
    made.append(el('span', {}, minute.missed_total === 0 ? 'None missed'
      : `${number(minute.missed_total)} missed: ${saidReasons(Object.keys(minute.missed))}`));
  }
  return made;
}

// How the average has changed since the first whole minute of the last hour.
function lastHour(minutes: Minutes): string {
  const whole = minutes.items.filter((item) => item.closed && isWhole(item))
    .slice(-61);
  const [first] = whole;
  const last = whole[whole.length - 1];
  const [from, to] = [first?.followers_average ?? null, last?.followers_average ?? null];
  if (!first || !last || first === last || from === null || to === null) return '';
  const span = (Date.parse(last.minute) - Date.parse(first.minute)) / 1000;
  return `${signedPercent((to / from - 1) * 100)} in ${age(span)}`;
}

function tiles(summary: Summary, minutes: Minutes): HTMLElement[] {
  const average = tile('Average followers', number(summary.followers_average));
  average.classList.add('hero');
  average.append(el('span', {}, lastHour(minutes)));
  const everybody = tile('Influencers with a value', number(summary.with_value));
  everybody.append(el('span', {}, `of ${number(summary.registered)}`));
  const median = tile('Median followers', number(summary.followers_median));
  median.append(el('span', {}, `${compact(summary.followers_total)} followers in total`));
  return [average, median, everybody, coverageTile(summary), ...checked(summary)];
}

export const overview: View = async (into, args, _id, turn): Promise<Live | void> => {
  let [summary, minutes] = await Promise.all(
    [get<Summary>('/api/v1/summary'), recent(kHours)]);
  const lists = () => Promise.all([growth(summary, args), orNothing(suspicious(summary)),
    orNothing(jumps())]);
  const failed = [note('Not available right now.')];
  const shown = el('div', {class: 'tiles'}, ...tiles(summary, minutes));
  const [risers, marked, jumped] = [el('section'), el('section'), el('section')];
  const top = el('div');
  const fillTop = () => refill(top, summary.top.length === 0 ? note('No values yet.')
    : leaders('Most followers', summary.top));
  const fillLists = async () => {
    const [one, two, three] = await lists();
    refill(risers, ...one);
    refill(marked, ...two ?? failed);
    refill(jumped, ...three ?? failed);
  };
  await fillLists();
  if (turn.isOver()) return;
  fillTop();
  const box = el('div');
  into.replaceChildren(
    el('h1', {}, 'Overview'), shown,
    el('div', {class: 'split'},
      el('div', {}, section(`Average followers, last ${kHours} hours`, box), risers),
      el('div', {}, section('Top 10', top, el('p', {}, buttonTo('Leaderboard', '#/leaderboard'))),
        marked, jumped)));
  let redraw = averageCharts(box, minutes, args);
  return {
    summary: (now) => {
      summary = now;
      refill(shown, ...tiles(summary, minutes));
      fillTop();
    },
    minute: async () => {
      minutes = await recent(kHours);
      if (redraw) redraw(minutes);
      else { box.replaceChildren(); redraw = averageCharts(box, minutes, args); }
      refill(shown, ...tiles(summary, minutes));
      await fillLists();
    }};
};
