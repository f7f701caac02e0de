import {get} from './api';
import type {Gaps, Range, Values} from './api';
import type {Gap} from './chart';
import {el, number, table, time} from './dom';

const kDaysMax = 31;
// Of one question, less what clocks may differ by.
export const kMonthSeconds = kDaysMax * 86_400 - 3600;
const kListed = 200;

const kReasons: Record<string, string> = {
  timeout: 'request timed out',
  connection: 'connection failed',
  rate_limited: 'rate limited by the network',
  server_error: 'the network returned a server error',
  not_found: 'not found on the network',
  malformed: 'invalid response',
  overrun: 'not fetched in time',
  clock: 'clock set forward',
  down: 'program not running',
  outage: 'network outage (requests paused)',
  disk_full: 'disk full (fetching paused)',
  damaged: 'stored data damaged',
  not_watched: 'not tracked'};
export const saidReason = (reason: string) => kReasons[reason] ?? reason;
export const saidReasons = (reasons: Iterable<string>) =>
  [...new Set(reasons)].map(saidReason).join(', ');

const seconds = (iso: string) => Date.parse(iso) / 1000;

export function gapsIn(id: string, {seconds: length, end}: Range): Promise<Gaps> {
  const start = Math.floor((end ?? Date.now() / 1000) - Math.min(length, kMonthSeconds));
  return get<Gaps>(`/api/v1/influencers/${id}/gaps?start=${start}`
    + `${end ? `&end=${Math.floor(end)}` : ''}`);
}

// Of several influencers: where none of them has a value, each may have a reason.
export function together(all: (Gaps | null)[]): Gaps | null {
  const known = all.filter((one) => one !== null);
  const [first] = known;
  if (!first || known.length < all.length) return null;
  const items = known.flatMap((one) => one.items)
    .sort((a, b) => Date.parse(b.start) - Date.parse(a.start));
  return {...first, items, more: known.some((one) => one.more)};
}

// Why there is no value at a time, as far as it is known.
export function reasonAt(known: Gaps | null, at_ms: number): string {
  const gap = known?.items.find(({start, end}) =>
    Date.parse(start) <= at_ms && at_ms < Date.parse(end));
  return gap ? saidReason(gap.reason) : '';
}

// Where there is no value: begin and end of each stretch of steps, in epoch seconds.
function emptySteps(times: number[], values: Values, step: number): [number, number][] {
  const gaps: [number, number][] = [];
  times.forEach((at, i) => {
    if (values[i] !== null) return;
    const last = gaps[gaps.length - 1];
    if (last?.[1] === at) last[1] = at + step;
    else gaps.push([at, at + step]);
  });
  return gaps;
}

// Where nobody was due, as before the history, there is no gap, nor where it is no longer kept:
// what is drawn is cut to what is known, as far back as that goes.
function reasoned([begin_of_gap, to]: [number, number], step: number, known: Gaps): Gap[] {
  const from = Math.max(begin_of_gap, known.kept_since ? seconds(known.kept_since) : 0);
  const inside = known.items.filter((gap) => seconds(gap.start) < to && seconds(gap.end) > from);
  const [newest] = inside;
  const oldest = inside[inside.length - 1];
  if (newest && oldest) {
    return [{
      from: Math.max(from, Math.floor(seconds(oldest.start) / step) * step),
      to: Math.min(to, Math.ceil(seconds(newest.end) / step) * step),
      why: `no value: ${saidReasons(inside.map((gap) => gap.reason))}`}];
  }
  const last = known.items[known.items.length - 1];
  const begin = known.more && last ? last.start : known.start;
  const unknown_to = Math.min(to, Math.floor(seconds(begin) / step) * step);
  return from >= unknown_to ? [] : [{from, to: unknown_to,
    why: `no value (reasons cover the last ${kDaysMax} days, up to 1,000 gaps)`}];
}

// Without what is known of them, they are drawn all the same.
export const drawnGaps = (times: number[], values: Values, step: number,
    known: Gaps | null): Gap[] =>
  emptySteps(times, values, step).flatMap((gap) => known ? reasoned(gap, step, known)
    : [{from: gap[0], to: gap[1], why: 'no value'}]);

// Each minute counts here, also where a drawn step has others.
export function gapTable(known: Gaps | null): HTMLElement {
  if (!known) {
    return el('p', {class: 'note'},
      'The reasons for missing minutes are not available right now.');
  }
  if (known.minutes === 0) {
    return el('p', {class: 'note'}, 'No missing minutes since ', time(known.start), '.');
  }
  const rows = known.items.slice(0, kListed).map((gap) =>
    [time(gap.start), number(gap.minutes), saidReason(gap.reason)]);
  const is_all = known.items.length <= kListed && !known.more;
  return el('details', {},
    el('summary', {}, `Missing minutes: ${number(known.minutes)} since `,
      time(known.start)),
    table(is_all ? 'Gaps, newest first' : `Newest ${kListed} gaps`,
      ['Start', '#Minutes', 'Reason'], rows, 'words'));
}
