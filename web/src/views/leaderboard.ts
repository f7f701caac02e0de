import {get, rangeOf, series} from '../api';
import type {Board, Found, Standing} from '../api';
import {button, el, number} from '../dom';
import {spark} from '../spark';
import {choices, lazy, note, standings} from './parts';
import type {View} from './parts';

const kSparkRange = rangeOf(3600, false);
const kVerdicts = ['any', 'suspicious', 'clear', 'unknown'];

// A name that a spreadsheet would take for a formula is made text.
function csvCell(value: string | number | null): string {
  const text = String(value ?? '');
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function download(items: Standing[]): void {
  const word = (item: Standing) =>
    !item.verdict ? '' : item.verdict.suspicious ? 'suspicious' : 'clear';
  const rows = items.map((item) => [item.rank, item.id, item.username, item.follower_count,
    item.following_count, item.follower_ratio, item.retrieved_at, word(item)]
    .map(csvCell).join(','));
  const head =
    'rank,id,username,follower_count,following_count,follower_ratio,retrieved_at,verdict';
  const url = URL.createObjectURL(new Blob([[head, ...rows].join('\r\n') + '\r\n']));
  el('a', {href: url, download: 'leaderboard.csv'}).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function lastHour(item: Standing): HTMLElement {
  const place = el('span', {class: 'spark'});
  return lazy(place, async () => {
    const data = await series(String(item.id), kSparkRange);
    spark(place, data.follower_count, `Followers of the last hour`);
  });
}

// Against the rank of an hour before; the same minute for five minutes, which the API remembers.
function rankChange(item: Standing, now: number): HTMLElement {
  const place = el('span');
  const before = Math.floor((now - 3600) / 300) * 300;
  return lazy(place, async () => {
    const {rank} = await get<Standing>(`/api/v1/influencers/${item.id}?at=${before}`);
    if (rank === null || item.rank === null) return void (place.textContent = '–');
    const places = rank - item.rank;
    place.textContent = places === 0 ? '=' : `${places > 0 ? '▲' : '▼'} ${number(Math.abs(places))}`;
    place.title = `Rank ${number(rank)} an hour before`;
  });
}

const kSorts = ['followers', 'following', 'ratio'];
const kOrders: Record<string, string> = {desc: 'most first', asc: 'least first'};

interface Shown { verdict: string; at: string | null; sort: string; order: string }

function target({verdict, at, sort, order}: Shown, cursor?: string | null): string {
  const args = new URLSearchParams();
  if (verdict !== 'any') args.set('verdict', verdict);
  if (at) args.set('at', at);
  if (sort !== 'followers') args.set('sort', sort);
  if (order !== 'desc') args.set('order', order);
  if (cursor) args.set('cursor', cursor);
  return `#/leaderboard${args.size > 0 ? '?' : ''}${args}`;
}

// Local time, as a field of a form shows and takes it.
function localTime(epochSeconds: number): string {
  const at = new Date(epochSeconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

// Any past minute, or now.
function asOf(shown: Shown): HTMLElement {
  const {at} = shown;
  const input = el('input', {type: 'datetime-local', name: 'at', 'aria-label': 'As of',
    max: localTime(Date.now() / 1000), value: at ? localTime(Number(at)) : ''}) as HTMLInputElement;
  const form = el('form', {class: 'tools'}, 'As of', input, el('button', {}, 'Show'),
    ...(at ? [el('a', {class: 'button', href: target({...shown, at: null})}, 'Now')] : []));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const chosen = new Date(input.value).getTime();
    location.hash = target(
      {...shown, at: Number.isNaN(chosen) ? null : String(chosen / 1000)});
  });
  return form;
}

// Of everybody, not only of the page.
function sorts(shown: Shown): HTMLElement {
  const by = choices('Sort by', kSorts, shown.sort, (name) => target({...shown, sort: name}));
  by.prepend('Sort by');
  by.append(choices('Order', Object.values(kOrders), kOrders[shown.order] ?? '', (name) =>
    target({...shown, order: name === kOrders['asc'] ? 'asc' : 'desc'})));
  return by;
}

export const leaderboard: View = async (into, args) => {
  const query = args.get('q') ?? '';
  const cursor = args.get('cursor');
  const oneOf = (name: string, known: string[]) =>
    known.find((one) => one === args.get(name)) ?? known[0] ?? '';
  const verdict = oneOf('verdict', kVerdicts);
  const at = args.get('at');
  const sort = oneOf('sort', kSorts);
  const order = oneOf('order', Object.keys(kOrders));
  const shown = {verdict, at, sort, order};
  const page = new URLSearchParams(
    {limit: '50', verdict, sort, order, ...(at ? {at} : {}), ...(cursor ? {cursor} : {})});
  const prefix = encodeURIComponent(query);
  const found: Found | Board = query
    ? await get<Found>(`/api/v1/influencers?limit=100&prefix=${prefix}`)
    : await get<Board>(`/api/v1/leaderboard?${page}`);
  into.replaceChildren(el('h1', {}, query ? `Matches of “${query}”` : 'Leaderboard'));
  if (!query) {
    into.append(choices('Network says', kVerdicts, verdict, (name) =>
      target({...shown, verdict: name})), sorts(shown), asOf(shown));
  }
  if (found.items.length === 0) {
    into.append(note(query ? 'Nobody has an id or a name that begins so.'
      : at ? 'Nobody has a value in that minute.'
        : verdict === 'any' ? 'No values yet.' : 'Nobody, so far.'));
    return;
  }
  const {items} = found;
  const now = at ? Number(at) : Date.now() / 1000;
  into.append(el('div', {class: 'tools'}, button('Download CSV', () => download(items))),
    standings(query ? 'By id or name' : `By ${sort}, ${kOrders[order] ?? order}`, items,
      [{head: 'Rank in 1 h', cell: (item) => rankChange(item, now)},
        {head: 'Last hour', cell: lastHour}]));
  const tools = el('div', {class: 'tools'});
  if (cursor) tools.append(el('a', {class: 'button', href: target(shown)}, 'First page'));
  const next = 'next' in found && found.next
    ? new URL(found.next, location.origin).searchParams.get('cursor') : null;
  if (next) tools.append(el('a', {class: 'button', href: target(shown, next)}, 'Next page'));
  if ('more' in found && found.more) tools.append('Only the first 100 matches are here.');
  into.append(tools);
};
