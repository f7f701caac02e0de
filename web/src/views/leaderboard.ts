import {get, minutesBetween, Problem, rangeOf, series} from '../api';
import type {Board, Found, Range, Standing} from '../api';
import {button, el, number, percent, refill, time} from '../dom';
import type {Head} from '../dom';
import type {Id} from '../exact';
import {saidReason, saidReasons} from '../gaps';
import {spark} from '../spark';
import {buttonTo, chosenTime, labelled, lazy, note, oneOf, reason, standings, timeField, tools}
  from './parts';
import type {Live, View} from './parts';

const kHour = 3600;
const kSparkRange = rangeOf(kHour, false);
const kPage = 50;
const kMostCompared = 10;
const kVerdicts = ['any', 'suspicious', 'clear', 'unknown'];
const kSorts = ['followers', 'following', 'ratio'] as const;
const kOrders: Record<string, string> = {desc: 'highest first', asc: 'lowest first'};

// ---- what the address says

interface Shown {
  query: string; verdict: string; at: number | null; sort: string; order: string;
  cursor: string | null; place: number;  // of the first one, from 1
}

function shownBy(args: URLSearchParams): Shown {
  const at = Number(args.get('at') ?? NaN);
  return {
    query: args.get('q') ?? '', verdict: oneOf(args, 'verdict', kVerdicts),
    at: Number.isFinite(at) ? at : null, sort: oneOf(args, 'sort', [...kSorts]),
    order: oneOf(args, 'order', Object.keys(kOrders)), cursor: args.get('cursor'),
    place: Math.max(1, Math.floor(Number(args.get('place') ?? 1)) || 1)};
}

// Another filter begins with the first page.
function target(shown: Shown, change: Partial<Shown>): string {
  const {verdict, at, sort, order, cursor, place} = {...shown, cursor: null, place: 1, ...change};
  const args = new URLSearchParams();
  if (verdict !== 'any') args.set('verdict', verdict);
  if (at !== null) args.set('at', String(at));
  if (sort !== 'followers') args.set('sort', sort);
  if (order !== 'desc') args.set('order', order);
  if (cursor) args.set('cursor', cursor);
  if (place > 1) args.set('place', String(place));
  return `#/leaderboard${args.size > 0 ? '?' : ''}${args}`;
}

function path({verdict, at, sort, order, cursor}: Shown): string {
  return `/api/v1/leaderboard?${new URLSearchParams({limit: String(kPage), verdict, sort, order,
    ...(at !== null ? {at: String(at)} : {}), ...(cursor ? {cursor} : {})})}`;
}

// ---- CSV

// A name that a spreadsheet would take for a formula is made text.
function csvCell(value: string | number | null): string {
  const text = String(value ?? '');
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function fileName({query, verdict, at, sort, place}: Shown): string {
  const minute = new Date(at === null ? Date.now() : at * 1000).toISOString().slice(0, 16);
  return ['leaderboard', ...(query ? ['matches'] : [sort, ...(verdict === 'any' ? [] : [verdict])]),
    minute.replaceAll(':', ''), ...(place > 1 ? [`from-${place}`] : [])].join('-') + '.csv';
}

function download(items: Standing[], name: string): void {
  const word = (item: Standing) =>
    !item.verdict ? '' : item.verdict.suspicious ? 'suspicious' : 'clear';
  const rows = items.map((item) => [item.rank, item.id, item.username, item.follower_count,
    item.following_count, item.follower_ratio, item.retrieved_at, word(item),
    item.verdict?.checked_at ?? null].map(csvCell).join(','));
  const head = 'rank,id,username,follower_count,following_count,follower_ratio,retrieved_at,'
    + 'verdict,checked_at';
  const url = URL.createObjectURL(new Blob([[head, ...rows].join('\r\n') + '\r\n']));
  el('a', {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// ---- columns

function hourBefore(item: Standing, at: number | null): HTMLElement {
  const place = el('span', {class: 'spark'});
  const range: Range = at === null ? kSparkRange : {...kSparkRange, end: at + 60};
  return lazy(place, async () => {
    const data = await series(String(item.id), range);
    spark(place, data.follower_count, 'Followers, last hour');
  });
}

// Against the rank of an hour before; the same minute for five minutes, which the API remembers.
function rankChange(item: Standing, now: number): HTMLElement {
  const place = el('span');
  const before = Math.floor((now - kHour) / 300) * 300;
  return lazy(place, async () => {
    const {rank} = await get<Standing>(`/api/v1/influencers/${item.id}?at=${before}`);
    if (rank === null || item.rank === null) return void (place.textContent = '–');
    const places = rank - item.rank;
    place.textContent = places === 0 ? '='
      : `${places > 0 ? '▲' : '▼'} ${number(Math.abs(places))}`;
    place.title = `Rank ${number(rank)} one hour earlier`;
  });
}

// A click sorts by a column, over everybody; another turns it round.
function sortHead(shown: Shown, sort: string): Head {
  const text = `#${sort[0]?.toUpperCase() ?? ''}${sort.slice(1)}`;
  const is_by = shown.sort === sort;
  const other = is_by && shown.order === 'desc' ? 'asc' : 'desc';
  const sign = !is_by ? '' : shown.order === 'desc' ? ' ↓' : ' ↑';
  return {text, sort: !is_by ? 'none' : shown.order === 'desc' ? 'descending' : 'ascending',
    shown: el('a', {href: target(shown, {sort, order: other}),
      title: `Sort all influencers by ${sort}, ${kOrders[other]}`}, text.slice(1) + sign)};
}

// Some of them side by side.
function comparison(): [(item: Standing) => HTMLElement, HTMLElement] {
  const chosen = new Set<Id>();
  const go = buttonTo('Compare', '#/compare');
  const tell = () => {
    go.textContent = chosen.size > 0 ? `Compare selected (${chosen.size})` : 'Compare first 5';
  };
  let first: Id[] = [];
  go.addEventListener('click', () => {
    const ids = chosen.size > 0 ? [...chosen] : first.slice(0, 5);
    go.setAttribute('href', `#/compare?ids=${ids.join(',')}`);
  });
  tell();
  const box = (item: Standing) => {
    if (!first.includes(item.id)) first = [...first, item.id];
    const made = el('input', {type: 'checkbox',
      'aria-label': `Compare ${item.username ?? item.id}`}) as HTMLInputElement;
    made.checked = chosen.has(item.id);
    made.addEventListener('change', () => {
      if (made.checked && chosen.size < kMostCompared) chosen.add(item.id);
      else chosen.delete(item.id);
      made.checked = chosen.has(item.id);
      tell();
    });
    return made;
  };
  return [box, go];
}

// ---- a past minute

// Any past minute, or now.
function asOf(shown: Shown): HTMLElement {
  const field = timeField('As of', shown.at);
  const form = el('form', {class: 'labelled'}, el('span', {'aria-hidden': 'true'}, 'As of'), field,
    el('button', {}, 'Show'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    location.hash = target(shown, {at: chosenTime(field)});
  });
  return form;
}

// What there is of a past minute, and its neighbours.
async function banner(shown: Shown & {at: number}, of: number): Promise<HTMLElement> {
  const {at} = shown;
  const {items: [minute]} = await minutesBetween(at, at + 60);
  const part = !minute || minute.lost || minute.due + of === 0 ? ''
    : `: ${number(of)} of ${number(minute.due)} influencers have a value `
      + `(${percent(minute.coverage)})`;
  const more = !minute ? '' : minute.lost ? ` (${saidReason('damaged')})`
    : minute.damaged ? `; ${saidReason('damaged')} for some`
      : minute.closed ? '' : '; minute in progress';
  const missed = minute && minute.missed_total > 0
    ? `, ${number(minute.missed_total)} missed: ${saidReasons(Object.keys(minute.missed))}` : '';
  return el('div', {class: 'banner', role: 'note'},
    el('p', {}, part ? 'As of ' : 'No data for ', time(at * 1000),
      `${part}${missed}${more}. Network verdicts are the current ones.`),
    tools(buttonTo('◀ Previous minute', target(shown, {at: at - 60})),
      buttonTo('Next minute ▶', target(shown, {at: at + 60})),
      buttonTo('Now', target(shown, {at: null}))));
}

function emptyWords({query, at, verdict}: Shown): string {
  if (query) return `No id or name starts with “${query}”.`;
  if (at !== null) return 'No influencer has a value in this minute.';
  return verdict === 'any' ? 'No values yet.' : 'No influencers with this verdict yet.';
}

// ---- the view

// A page goes on in the ranking as it was when the first one was shown, which is kept for a while.
const isGone = (error: unknown) => error instanceof Problem && error.status === 410;
let notice = '';

export const leaderboard: View = async (into, args, _id, turn): Promise<Live | void> => {
  const shown = shownBy(args);
  const {query, at, sort, order, cursor, place} = shown;
  const prefix = encodeURIComponent(query);
  const ask = (): Promise<Found | Board> => query
    ? get<Found>(`/api/v1/influencers?limit=100&prefix=${prefix}`) : get<Board>(path(shown));
  const first = await ask().catch((error: unknown) => {
    if (!cursor || !isGone(error)) throw error;
    return null;
  });
  if (turn.isOver()) return;
  if (!first) {
    notice = 'The ranking has been updated; showing the first page of the current one.';
    return void location.replace(target(shown, {}));
  }
  const [only] = first.items;
  if (query && only && first.items.length === 1) return void location.replace(
    `#/influencer/${only.id}`);
  into.replaceChildren(el('h1', {}, query ? `Results for “${query}”` : 'Leaderboard'));
  if (notice) into.append(el('p', {class: 'said', role: 'status'}, notice));
  notice = '';
  if (!query) {
    into.append(el('div', {class: 'toolbar'},
      labelled('Network verdict', kVerdicts, shown.verdict, (verdict) => target(shown, {verdict}),
        {unknown: 'Not checked'}),
      labelled('Order', Object.keys(kOrders), order, (one) => target(shown, {order: one}), kOrders),
      asOf(shown)));
  }
  if (at !== null && 'of' in first) into.append(await banner({...shown, at}, first.of).catch(
    (error: unknown) => note(reason(error))));

  const [above, list, below] = [el('div'), el('div'), el('div')];
  const [box, compare] = comparison();
  const heads = query ? {} : Object.fromEntries(
    kSorts.map((one) => [one, sortHead(shown, one)]));
  const rows = (items: Standing[]) => standings({
    caption: query ? 'Matching id or name' : `By ${sort}, ${kOrders[order] ?? ''}`, items, heads,
    verdict: at === null ? 'Network verdict' : 'Current network verdict', query: at === null ? ''
      : `?at=${at}`,
    more: [{head: '#Rank change (1 h)', cell: (item) => rankChange(item, at ?? Date.now() / 1000)},
      {head: 'Last hour', cell: (item) => hourBefore(item, at)}, {head: 'Compare', cell: box}]});
  const fill = (found: Found | Board) => {
    const {items} = found;
    if (items.length === 0) {
      refill(above);
      refill(below);
      return void refill(list, note(emptyWords(shown)));
    }
    const last = place + items.length - 1;
    const where = el('span', {class: 'note'});
    if ('of' in found) {
      where.append(`${number(place)} to ${number(last)}`,
        shown.verdict === 'any' ? ` of ${number(found.of)}` : '',
        ...(cursor && at === null ? [', as of ', time(found.as_of)] : []));
    }
    const next = 'next' in found && found.next
      ? new URL(found.next, location.origin).searchParams.get('cursor') : null;
    refill(above, tools(where, compare,
      button('Download CSV (this page)', () => download(items, fileName(shown)))));
    refill(list, rows(items));
    refill(below, tools(
      ...(cursor ? [buttonTo('First page', target(shown, {}))] : []),
      ...(next ? [buttonTo('Next page', target(shown, {cursor: next, place: last + 1}))] : []),
      'more' in found && found.more ? 'Showing the first 100 matches.' : ''));
  };
  fill(first);
  into.append(above, el('section', {}, list), below);
  if (at !== null || cursor) return;
  return {minute: async () => fill(await ask())};
};
