import {rangeOf} from '../api';
import type {Mover, Range, Standing, Summary, Verdict} from '../api';
import type {Id} from '../exact';
import {el, number, ratio, signed, signedPercent, table, time, utc} from '../dom';
import type {Child, Head} from '../dom';

// How a view goes on once it is shown: with each summary, each whole minute, every ten seconds.
export interface Live {
  summary?: (now: Summary) => void;
  minute?: () => Promise<void>;
  often?: () => Promise<void>;
}
// Whether it is still this one's turn: the address may have changed while it asked. What lives on,
// as a chart does, is made only then.
export interface Turn { isOver: () => boolean; again: () => void }
export type View = (into: HTMLElement, args: URLSearchParams, id: string,
  turn: Turn) => Promise<Live | void>;

export const kRanges: [string, number][] = [
  ['1h', 3600], ['6h', 21600], ['1d', 86400], ['7d', 604800], ['30d', 2592000],
  ['1y', 31536000]];
export const secondsOf = (range: string) => kRanges.find(([name]) => name === range)?.[1] ?? 3600;

// What an address says, where it is one of what is known; else the first of these.
export const oneOf = (args: URLSearchParams, name: string, known: string[]) =>
  known.find((one) => one === args.get(name)) ?? known[0] ?? '';

interface Named { id: Id; username: string | null }
export const nameOf = (item: Named) => item.username ?? String(item.id);
export const link = (item: Named, query = '') =>
  el('a', {href: `#/influencer/${item.id}${query}`}, nameOf(item));
export const section = (title: string, ...children: Child[]) =>
  el('section', {}, el('h2', {}, title), ...children);
// As high as its chart will be, with its legend: nothing below it moves.
export function plotBox(height: number): HTMLElement {
  const made = el('div', {class: 'plot'});
  made.style.minHeight = `${height + 26}px`;
  return made;
}
export const note = (...text: Child[]) => el('p', {class: 'note'}, ...text);
export const tools = (...children: Child[]) => el('div', {class: 'tools'}, ...children);
export const buttonTo = (text: string, href: string, more: Record<string, string> = {}) =>
  el('a', {class: 'button', href, ...more}, text);

export const reason = (error: unknown) => error instanceof Error ? error.message : 'Unknown error.';
// What a page can do without.
export const orNothing = <T>(asked: Promise<T>) => asked.catch(() => null);

// A word and a sign, never colour alone.
export function verdictMark(verdict: Verdict | null): HTMLElement {
  if (!verdict) return el('span', {class: 'verdict note'}, 'Not checked');
  const word = verdict.suspicious ? '⚠ Suspicious' : '✓ Clear';
  const kind = verdict.suspicious ? 'verdict bad' : 'verdict';
  return el('span', {class: kind, title: `Checked ${utc(verdict.checked_at)}`}, word);
}

export interface Column { head: string; cell: (item: Standing) => Node }
export interface Board {
  caption: string;
  items: Standing[];
  heads?: Partial<Record<'followers' | 'following' | 'ratio', Head>>;
  verdict?: string;  // the head of the verdicts
  query?: string;    // behind the links to influencers
  more?: Column[];
}
// The few of an overview.
export const leaders = (caption: string, items: Standing[]) => table(
  caption, ['#Rank', 'Influencer', '#Followers', 'Network verdict'],
  items.map((item) => [number(item.rank), link(item), number(item.follower_count),
    verdictMark(item.verdict)]));
export const standings = ({caption, items, heads = {}, verdict = 'Network verdict', query = '',
  more = []}: Board) => table(caption,
  ['#Rank', 'Influencer', heads.followers ?? '#Followers', heads.following ?? '#Following',
    heads.ratio ?? '#Ratio', verdict, ...more.map((column) => column.head)],
  items.map((item) => [number(item.rank), link(item, query), number(item.follower_count),
    number(item.following_count), ratio(item.follower_ratio), verdictMark(item.verdict),
    ...more.map((column) => column.cell(item))]), 'board');

export const movers = (caption: string, items: Mover[]) => table(
  caption, ['Influencer', '#Change', '#Percent', '#Followers'],
  items.map((item) => [link(item), signed(item.change), signedPercent(item.percent),
    number(item.follower_count)]));

export const cased = (word: string) => `${word[0]?.toUpperCase() ?? ''}${word.slice(1)}`;

// Links that choose one of some values of a parameter.
export const choices = (label: string, names: string[], chosen: string,
    target: (name: string) => string, words: Record<string, string> = {}) =>
  el('div', {class: 'choices', role: 'group', 'aria-label': label},
    ...names.map((name) => buttonTo(cased(words[name] ?? name), target(name),
      name === chosen ? {'aria-current': 'true'} : {})));

// The same with its label before it.
export const labelled = (label: string, ...rest: Parameters<typeof choices> extends
    [string, ...infer R] ? R : never) =>
  el('div', {class: 'labelled'}, el('span', {'aria-hidden': 'true'}, label),
    choices(label, ...rest));

export const ranges = (base: string, chosen: string, more: string[] = []) => choices(
  'Range', [...kRanges.map(([name]) => name), ...more], chosen, (name) => `${base}range=${name}`);

// Of a range whose steps are longer than a minute: how fine it is drawn.
export const details = (base: string, range: Range, seconds: number) =>
  rangeOf(seconds, false).step === rangeOf(seconds, true).step ? ''
    : labelled('Resolution', ['steps', 'minutes'], range.step === 60 ? 'minutes' : 'steps',
      (name) => `${base}${name === 'minutes' ? '&detail=minutes' : ''}`,
      {steps: 'Auto', minutes: 'Every minute'});

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

// A sentence of the API, with its times as the page shows times.
export function localised(sentence: string): HTMLElement {
  const parts = sentence.split(/(\d{4}-\d\d-\d\d \d\d:\d\d) UTC/);
  return el('span', {}, ...parts.map((part, i) =>
    i % 2 === 1 ? time(`${part.replace(' ', 'T')}:00Z`)
      : part.replaceAll(' x ', ' × ').replace(/(^| )-(?=\d)/g, '$1\u2212')));
}

// Local time, as a field of a form shows and takes it.
export function localTime(epoch_seconds: number): string {
  const at = new Date(epoch_seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function timeField(label: string, epoch_seconds: number | null): HTMLInputElement {
  const made = el('input', {type: 'datetime-local', 'aria-label': label,
    value: epoch_seconds === null ? '' : localTime(epoch_seconds)}) as HTMLInputElement;
  made.addEventListener('focus', () => { made.max = localTime(Date.now() / 1000 + 60); });
  return made;
}
export function chosenTime(field: HTMLInputElement): number | null {
  const chosen = new Date(field.value).getTime();
  return Number.isNaN(chosen) ? null : chosen / 1000;
}
