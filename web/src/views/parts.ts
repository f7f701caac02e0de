import {rangeOf} from '../api';
import type {Mover, Range, Standing, Verdict} from '../api';
import {el, number, ratio, table, time} from '../dom';

export type View = (into: HTMLElement, args: URLSearchParams, id: string) => Promise<void>;

export const kRanges: [string, number][] = [
  ['1h', 3600], ['6h', 21600], ['1d', 86400], ['7d', 604800], ['30d', 2592000],
  ['1y', 31536000]];
export const secondsOf = (range: string) => kRanges.find(([name]) => name === range)?.[1] ?? 3600;

interface Named { id: number; username: string | null }
export const nameOf = (item: Named) => item.username ?? String(item.id);
export const link = (item: Named) => el('a', {href: `#/influencer/${item.id}`}, nameOf(item));
export const section = (title: string, ...children: (Node | string)[]) =>
  el('section', {}, el('h2', {}, title), ...children);
export const plotBox = () => el('div', {class: 'plot'});
export const note = (text: string) => el('p', {class: 'note'}, text);

export const reason = (error: unknown) => error instanceof Error ? error.message : 'It failed.';

// A word and a sign, never colour alone.
export function verdictMark(verdict: Verdict | null): HTMLElement {
  if (!verdict) return el('span', {class: 'verdict', title: 'Not checked yet'}, '–');
  const word = verdict.suspicious ? '⚠ suspicious' : '✓ clear';
  const kind = verdict.suspicious ? 'verdict bad' : 'verdict';
  return el('span', {class: kind, title: `Checked ${verdict.checked_at} (UTC)`}, word);
}

interface Column { head: string; cell: (item: Standing) => Node }
export const standings = (caption: string, items: Standing[], more: Column[] = []) => table(
  caption, ['Rank', 'Influencer', 'Followers', 'Following', 'Ratio', 'Network says',
    ...more.map((column) => column.head)],
  items.map((item) => [number(item.rank), link(item), number(item.follower_count),
    number(item.following_count), ratio(item.follower_ratio), verdictMark(item.verdict),
    ...more.map((column) => column.cell(item))]));

export const signed = (value: number) => `${value > 0 ? '+' : ''}${number(value)}`;
export const signedPercent = (value: number | null) =>
  value === null ? '–' : `${value > 0 ? '+' : ''}${ratio(value)} %`;

export const movers = (caption: string, items: Mover[]) => table(
  caption, ['Change', 'Influencer', 'Percent', 'Followers'],
  items.map((item) => [signed(item.change), link(item), signedPercent(item.percent),
    number(item.follower_count)]));

// Links that choose one of some values of a parameter.
export const choices = (label: string, names: string[], chosen: string,
    target: (name: string) => string) =>
  el('div', {class: 'tools', role: 'group', 'aria-label': label},
    ...names.map((name) => el('a', {class: 'button', href: target(name),
      ...(name === chosen ? {'aria-current': 'true'} : {})}, name)));

export const ranges = (base: string, chosen: string, more: string[] = []) => choices(
  'Range', [...kRanges.map(([name]) => name), ...more], chosen, (name) => `${base}range=${name}`);

// Of a range whose steps are longer than a minute: how fine it is drawn.
export const details = (base: string, range: Range, seconds: number) =>
  rangeOf(seconds, false).step === rangeOf(seconds, true).step ? ''
    : choices('Detail', ['steps', 'minutes'], range.step === 60 ? 'minutes' : 'steps', (name) =>
      `${base}${name === 'minutes' ? '&detail=minutes' : ''}`);

// What is asked for when its place comes into view. Where that fails, the page says enough without.
export function lazy(place: HTMLElement, fill: () => Promise<void>): HTMLElement {
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    fill().catch(() => { place.textContent = '–'; });
  });
  seen.observe(place);
  return place;
}

export const times = (from: string, to: string) => el('span', {}, time(from),
  ...(Date.parse(to) - Date.parse(from) > 60_000 ? [' to ', time(to)] : []));
