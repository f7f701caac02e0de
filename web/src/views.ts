import {get, series, seriesPath} from './api';
import type {Board, Found, Influencer, Minutes, Standing, Summary, Values} from './api';
import {chart, filled} from './chart';
import type {Line} from './chart';
import {age, button, compact, el, number, percent, ratio, table, tile, time} from './dom';

export type View = (into: HTMLElement, args: URLSearchParams, id: string) => Promise<void>;

const kRanges: [string, number][] = [
  ['1h', 3600], ['6h', 21600], ['1d', 86400], ['7d', 604800], ['30d', 2592000]];
const kMostCompared = 10;

const nameOf = (item: Standing) => item.username ?? String(item.id);
const link = (item: Standing) => el('a', {href: `#/influencer/${item.id}`}, nameOf(item));
const section = (title: string, ...children: Node[]) =>
  el('section', {}, el('h2', {}, title), ...children);
const plotBox = () => el('div', {class: 'plot'});
const note = (text: string) => el('p', {class: 'note'}, text);

const standings = (caption: string, items: Standing[]) => table(
  caption, ['Rank', 'Influencer', 'Followers', 'Following', 'Ratio'],
  items.map((item) => [number(item.rank), link(item), number(item.follower_count),
    number(item.following_count), ratio(item.follower_ratio)]));

function averageChart(into: HTMLElement, minutes: Minutes): void {
  const closed = minutes.items.filter((item) => item.closed);
  const [times, [average = [], coverage = []]] = filled(
    closed.map((item) => Date.parse(item.minute) / 1000),
    [closed.map((item) => item.followers_average),
      closed.map((item) => item.coverage * 100)], 60);
  chart(into, 'Average followers and coverage, by minute', times, [
    {label: 'Average followers', values: average},
    {label: 'Coverage %', values: coverage, scale: '%', band: true}], 260);
}

export const overview: View = async (into) => {
  const [summary, minutes] = await Promise.all(
    [get<Summary>('/api/v1/summary'), get<Minutes>('/api/v1/minutes')]);
  const minute = summary.minute;
  const box = plotBox();
  into.replaceChildren(
    el('h1', {}, 'Overview'),
    el('div', {class: 'tiles'},
      tile('Average followers', number(summary.followers_average)),
      tile('Median followers', number(summary.followers_median)),
      tile('All followers', compact(summary.followers_total)),
      tile('Influencers with a value', number(summary.with_value)),
      tile('Coverage of the last minute', minute ? percent(minute.coverage) : '–')),
    section('Average followers, last day', box),
    section('Top 10', standings('Most followers', summary.top)));
  if (minutes.items.some((item) => item.closed)) averageChart(box, minutes);
  else box.append(note('No minute is complete yet. The first one takes a minute or two.'));
};

export const leaderboard: View = async (into, args) => {
  const query = args.get('q') ?? '';
  const cursor = args.get('cursor');
  const page = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
  const prefix = encodeURIComponent(query);
  const found: Found | Board = query
    ? await get<Found>(`/api/v1/influencers?limit=100&prefix=${prefix}`)
    : await get<Board>(`/api/v1/leaderboard?limit=50${page}`);
  const csv = button('Download CSV', () => download(found.items));
  into.replaceChildren(el('h1', {}, query ? `Matches of “${query}”` : 'Leaderboard'));
  if (found.items.length === 0) {
    into.append(note(query ? 'Nobody has an id or a name that begins so.' : 'No values yet.'));
    return;
  }
  into.append(el('div', {class: 'tools'}, csv), standings('By followers', found.items));
  const tools = el('div', {class: 'tools'});
  if (cursor) tools.append(el('a', {class: 'button', href: '#/leaderboard'}, 'First page'));
  const next = 'next' in found && found.next
    ? new URL(found.next, location.origin).searchParams.get('cursor') : null;
  const target = `#/leaderboard?cursor=${encodeURIComponent(next ?? '')}`;
  if (next) tools.append(el('a', {class: 'button', href: target}, 'Next page'));
  if ('more' in found && found.more) tools.append('Only the first 100 matches are here.');
  into.append(tools);
};

// A name that a spreadsheet would take for a formula is made text.
function csvCell(value: string | number | null): string {
  const text = String(value ?? '');
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function download(items: Standing[]): void {
  const rows = items.map((item) => [item.rank, item.id, item.username, item.follower_count,
    item.following_count, item.follower_ratio, item.retrieved_at].map(csvCell).join(','));
  const head = 'rank,id,username,follower_count,following_count,follower_ratio,retrieved_at';
  const url = URL.createObjectURL(new Blob([[head, ...rows].join('\r\n') + '\r\n']));
  el('a', {href: url, download: 'leaderboard.csv'}).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function ranges(base: string, chosen: string): HTMLElement {
  return el('div', {class: 'tools', role: 'group', 'aria-label': 'Range'},
    ...kRanges.map(([name]) => el('a', {class: 'button', href: `${base}range=${name}`,
      ...(name === chosen ? {'aria-current': 'true'} : {})}, name)));
}

const secondsOf = (range: string) => kRanges.find(([name]) => name === range)?.[1] ?? 3600;

export const influencer: View = async (into, args, id) => {
  const range = args.get('range') ?? '1h';
  const [latest, data] = await Promise.all([
    get<Influencer>(`/api/v1/influencers/${id}`), series(id, secondsOf(range))]);
  const columns = [data.follower_count, data.following_count, data.follower_ratio];
  const [times, [followers = [], following = [], ratios = []]] = filled(
    data.time_ms.map((t) => t / 1000), columns, data.step_seconds);
  const box = plotBox();
  const counts = plotBox();
  const rows = data.time_ms.map((t, i) => [time(t), number(data.follower_count[i] ?? null),
    number(data.following_count[i] ?? null), ratio(data.follower_ratio[i] ?? null)]).reverse();
  into.replaceChildren(
    el('h1', {}, nameOf(latest)),
    el('div', {class: 'tiles'},
      tile('Followers', number(latest.follower_count)),
      tile('Following', number(latest.following_count)),
      tile('Ratio', ratio(latest.follower_ratio)),
      tile('Rank', `${number(latest.rank)} of ${number(latest.of)}`),
      tile('Age', age(latest.age_seconds))),
    ranges(`#/influencer/${id}?`, range), section('Followers', box),
    section('Following and ratio', counts),
    el('div', {class: 'tools'},
      el('a', {class: 'button', href: seriesPath(id, secondsOf(range), 'csv'),
        download: `${id}.csv`}, 'Download CSV'),
      el('a', {class: 'button', href: `/api/v1/influencers/${id}`}, 'API'),
      el('a', {class: 'button', href: `#/compare?ids=${id}`}, 'Compare')),
    el('details', {}, el('summary', {}, 'As a table (the newest 500)'),
      table('Values', ['Time', 'Followers', 'Following', 'Ratio'], rows.slice(0, 500))));
  if (times.length === 0) return void box.append(note('There is no value in this range.'));
  chart(box, `Followers of ${nameOf(latest)}`, times, [{label: 'Followers', values: followers}], 320);
  chart(counts, `Following and ratio of ${nameOf(latest)}`, times, [
    {label: 'Following', values: following}, {label: 'Ratio', values: ratios, scale: 'r'}], 200);
};

function scaled(values: Values, mode: string): Values {
  const base = values.find((value) => value !== null) ?? null;
  if (mode === 'absolute') return values;
  if (base === null || base === 0) return values.map(() => null);
  const offset = mode === 'percent' ? 100 : 0;
  return values.map((value) => value === null ? null : value / base * 100 - offset);
}

async function compareLines(ids: string[], range: string, mode: string) {
  const all = await Promise.all(ids.map((id) => series(id, secondsOf(range))));
  const times = [...new Set(all.flatMap((one) => one.time_ms))].sort((a, b) => a - b);
  const step = all[0]?.step_seconds ?? 60;
  const columns = all.map((one) => {
    const known = new Map(one.time_ms.map((t, i) => [t, one.follower_count[i] ?? null]));
    return scaled(times.map((t) => known.get(t) ?? null), mode);
  });
  const [seconds, spread] = filled(times.map((t) => t / 1000), columns, step);
  return {seconds, lines: spread.map((values, i): Line => ({label: ids[i] ?? '', values}))};
}

export const compare: View = async (into, args) => {
  const ids = [...new Set((args.get('ids') ?? '').split(/[\s,]+/).filter((id) => /^\d+$/.test(id)))]
    .slice(0, kMostCompared);
  const mode = args.get('mode') ?? 'indexed';
  const range = args.get('range') ?? '1h';
  const input = el('input', {name: 'ids', value: ids.join(', '), 'aria-label': 'Ids to compare',
    placeholder: 'Up to 10 ids, with commas'}) as HTMLInputElement;
  const form = el('form', {class: 'tools'}, input, el('button', {}, 'Compare'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    location.hash = `#/compare?ids=${input.value.replace(/\s+/g, '')}&mode=${mode}&range=${range}`;
  });
  into.replaceChildren(el('h1', {}, 'Compare'), form);
  if (ids.length === 0) return void into.append(note('Name two to ten ids.'));
  const base = `#/compare?ids=${ids.join(',')}`;
  const modes = el('div', {class: 'tools', role: 'group', 'aria-label': 'Scale'},
    ...['absolute', 'indexed', 'percent'].map((name) => el('a', {class: 'button',
      href: `${base}&mode=${name}&range=${range}`,
      ...(name === mode ? {'aria-current': 'true'} : {})}, name)));
  const box = plotBox();
  into.append(modes, ranges(`${base}&mode=${mode}&`, range), section('Followers', box));
  const {seconds, lines} = await compareLines(ids, range, mode);
  if (seconds.length === 0) return void box.append(note('There is no value in this range.'));
  chart(box, 'Followers compared', seconds, lines, 340);
  into.append(table('Newest values', ['Line', 'Id', `Followers, ${mode}`], lines.map((line, i) =>
    [String(i + 1), el('a', {href: `#/influencer/${line.label}`}, line.label),
      ratio(line.values.findLast((value) => value !== null) ?? null)])));
};

function grid(minutes: Minutes): HTMLElement {
  const cells = minutes.items.slice(-240).map((item) => {
    const level = !item.closed ? 'open' : item.coverage >= 0.999 ? 'full'
      : item.coverage >= 0.95 ? 'some' : 'low';
    return el('span', {class: `cell ${level}`,
      title: `${item.minute}: ${item.closed ? percent(item.coverage) : 'open'}`});
  });
  return el('div', {class: 'grid', role: 'img',
    'aria-label': 'Coverage by minute; the table below says the same'}, ...cells);
}

export const pipeline: View = async (into) => {
  const [summary, minutes] = await Promise.all(
    [get<Summary>('/api/v1/summary'), get<Minutes>('/api/v1/minutes')]);
  const missed = new Map<string, number>();
  for (const item of minutes.items) {
    for (const [why, n] of Object.entries(item.missed)) missed.set(why, (missed.get(why) ?? 0) + n);
  }
  const queues = Object.entries(summary.queues).flatMap(([name, queue]) => queue
    ? [[name.replaceAll('_', ' '), number(queue.visible), number(queue.in_flight),
      number(queue.dead), age(queue.oldest_age_seconds)]] : []);
  const stored = summary.points_stored_last_minute;
  into.replaceChildren(el('h1', {}, 'Pipeline'),
    el('div', {class: 'tiles'},
      tile('Points a second', stored === null ? '–' : number(stored / 60)),
      tile('Lag', age(summary.lag_seconds)), tile('Age of data', age(summary.data_age_seconds))),
    section('Minutes by coverage, last four hours', grid(minutes),
      el('p', {class: 'note'}, 'Solid: 99.9 % and more. Striped: 95 % and more. '
        + 'Framed: less. Dotted: still open.')),
    section('Misses by reason, last day', missed.size === 0 ? note('None.')
      : table('Misses', ['Reason', 'Count'],
        [...missed].map(([why, n]) => [why.replaceAll('_', ' '), number(n)]))),
    section('Queues', queues.length === 0 ? note('This process does not know its queues.')
      : table('Messages', ['Queue', 'Visible', 'In flight', 'Dead', 'Oldest'], queues)),
    el('details', {}, el('summary', {}, 'Minutes as a table'), table('Minutes',
      ['Minute', 'Due', 'Stored', 'Missed', 'Coverage'],
      minutes.items.slice(-240).reverse().map((item) => [time(item.minute), number(item.due),
        number(item.stored), number(item.missed_total), percent(item.coverage)]))));
};
