import {get} from './api';
import type {Gaps, Range, Values} from './api';
import type {Gap} from './chart';
import {el, number, table, time} from './dom';

const kDaysMax = 31;  // of one question for gaps
const kListed = 200;

const kReasons: Record<string, string> = {
  timeout: 'no answer in time',
  connection: 'no connection to the network',
  rate_limited: 'the network refused: too many requests',
  server_error: 'the network answered with an error',
  not_found: 'the network knows no such influencer',
  malformed: 'the answer made no sense',
  overrun: 'its turn did not come within the minute',
  clock: 'the clock was set forward',
  down: 'the program was not running',
  not_watched: 'it was not watched'};
const said = (reason: string) => kReasons[reason] ?? reason;

const seconds = (iso: string) => Date.parse(iso) / 1000;

export function gapsIn(id: string, range: Range): Promise<Gaps> {
  const start = Math.floor(Date.now() / 1000) - Math.min(range.seconds, kDaysMax * 86_400);
  return get<Gaps>(`/api/v1/influencers/${id}/gaps?start=${start}`);
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

function why(from: number, to: number, known: Gaps): string | null {
  const reasons = new Set(known.items
    .filter((gap) => seconds(gap.start) < to && seconds(gap.end) > from)
    .map((gap) => said(gap.reason)));
  if (reasons.size > 0) return [...reasons].join(', ');
  const oldest = known.items[known.items.length - 1];
  const is_known = from >= seconds(known.start) &&
    !(known.more && oldest && from < seconds(oldest.start));
  return is_known ? null : `why is told of the last ${kDaysMax} days and 1,000 gaps`;
}

// What is drawn as a gap. Where nobody was due there is none: before the history, for one.
export const drawnGaps = (times: number[], values: Values, step: number, known: Gaps): Gap[] =>
  emptySteps(times, values, step).flatMap(([from, to]) => {
    const reason = why(from, to, known);
    return reason === null ? [] : [{from, to, why: `no value: ${reason}`}];
  });

// Each minute counts here, also where a drawn step has others.
export function gapTable(known: Gaps): HTMLElement {
  if (known.minutes === 0) return el('p', {class: 'note'}, 'No minute is missing in this range.');
  const rows = known.items.slice(0, kListed).map((gap) =>
    [time(gap.start), number(gap.minutes), said(gap.reason)]);
  return el('details', {},
    el('summary', {}, `Minutes without a value: ${number(known.minutes)}`),
    table('The newest gaps first', ['From', 'Minutes', 'Why'], rows, 'words'));
}
