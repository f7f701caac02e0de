import {get, rangeOf, series} from '../api';
import type {Board, Found, Standing} from '../api';
import {button, el} from '../dom';
import {spark} from '../spark';
import {choices, note, standings} from './parts';
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

// The last hour of a row, asked for when the row comes into view.
function lazySpark(item: Standing): HTMLElement {
  const place = el('span', {class: 'spark'});
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    series(String(item.id), kSparkRange).then(
      (data) => spark(place, data.follower_count, `Followers of the last hour`),
      () => { /* The row says enough without it. */ });
  });
  seen.observe(place);
  return place;
}

function target(verdict: string, at: string | null, cursor?: string): string {
  const args = new URLSearchParams();
  if (verdict !== 'any') args.set('verdict', verdict);
  if (at) args.set('at', at);
  if (cursor) args.set('cursor', cursor);
  return `#/leaderboard${args.size > 0 ? '?' : ''}${args}`;
}

// Local time, as a field of a form shows and takes it.
function localTime(epochSeconds: number): string {
  const at = new Date(epochSeconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

// Any past minute, or now.
function asOf(verdict: string, at: string | null): HTMLElement {
  const input = el('input', {type: 'datetime-local', name: 'at', 'aria-label': 'As of',
    max: localTime(Date.now() / 1000), value: at ? localTime(Number(at)) : ''}) as HTMLInputElement;
  const form = el('form', {class: 'tools'}, 'As of', input, el('button', {}, 'Show'),
    ...(at ? [el('a', {class: 'button', href: target(verdict, null)}, 'Now')] : []));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const chosen = new Date(input.value).getTime();
    location.hash = target(verdict, Number.isNaN(chosen) ? null : String(chosen / 1000));
  });
  return form;
}

export const leaderboard: View = async (into, args) => {
  const query = args.get('q') ?? '';
  const cursor = args.get('cursor');
  const verdict = args.get('verdict') ?? 'any';
  const at = args.get('at');
  const page = new URLSearchParams(
    {limit: '50', verdict, ...(at ? {at} : {}), ...(cursor ? {cursor} : {})});
  const prefix = encodeURIComponent(query);
  const found: Found | Board = query
    ? await get<Found>(`/api/v1/influencers?limit=100&prefix=${prefix}`)
    : await get<Board>(`/api/v1/leaderboard?${page}`);
  into.replaceChildren(el('h1', {}, query ? `Matches of “${query}”` : 'Leaderboard'));
  if (!query) {
    into.append(choices('Network says', kVerdicts, verdict, (name) => target(name, at)),
      asOf(verdict, at));
  }
  if (found.items.length === 0) {
    into.append(note(query ? 'Nobody has an id or a name that begins so.'
      : at ? 'Nobody has a value in that minute.'
        : verdict === 'any' ? 'No values yet.' : 'Nobody, so far.'));
    return;
  }
  const csv = button('Download CSV', () => download(found.items));
  into.append(el('div', {class: 'tools'}, csv),
    standings('By followers', found.items, {head: 'Last hour', cell: lazySpark}));
  const tools = el('div', {class: 'tools'});
  if (cursor) tools.append(el('a', {class: 'button', href: target(verdict, at)}, 'First page'));
  const next = 'next' in found && found.next
    ? new URL(found.next, location.origin).searchParams.get('cursor') : null;
  if (next) tools.append(el('a', {class: 'button', href: target(verdict, at, next)}, 'Next page'));
  if ('more' in found && found.more) tools.append('Only the first 100 matches are here.');
  into.append(tools);
};
