import {get} from './api';
import type {Minute, Minutes, Values} from './api';
import type {Gap} from './chart';
import {number} from './dom';

const kDaysMax = 7;  // of one question for minutes

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

function why(from: number, to: number, known: Map<number, Minute>): string {
  const counts = new Map<string, number>();
  let asked = 0;
  for (let at = from; at < to; at += 60) {
    const item = known.get(at);
    asked += item?.due ?? 0;
    for (const [reason, n] of Object.entries(item?.missed ?? {})) {
      counts.set(reason, (counts.get(reason) ?? 0) + n);
    }
  }
  const span = to - from > 60 ? 'in these minutes' : 'in that minute';
  if (asked === 0) return `nobody was asked ${span}`;
  if (counts.size === 0) return `no value, though nobody is missing ${span}: it was not watched`;
  const reasons = [...counts].map(([reason, n]) => `${number(n)} ${reason.replaceAll('_', ' ')}`);
  return `no answer; misses of everybody ${span}: ${reasons.join(', ')}`;
}

// The gaps with what is known of their reasons: the API counts the misses of a minute by reason,
// but does not say whose they were.
export async function gapsOf(times: number[], values: Values, step: number): Promise<Gap[]> {
  const gaps = emptySteps(times, values, step);
  const [newest] = gaps.slice(-1);
  if (!newest) return [];
  const end = newest[1];
  const start = Math.max(gaps[0]?.[0] ?? 0, end - kDaysMax * 86_400);
  const minutes = await get<Minutes>(`/api/v1/minutes?start=${start}&end=${end}`);
  const known = new Map(minutes.items.map((item) => [Date.parse(item.minute) / 1000, item]));
  const [first] = gaps;
  if (first && first[0] === times[0] && first[0] >= start) {  // before the history is no gap
    first[0] = minutes.items.filter((item) => item.due > 0)
      .map((item) => Date.parse(item.minute) / 1000).find((at) => at >= first[0]) ?? first[1];
  }
  return gaps.filter(([from, to]) => from < to).map(([from, to]) => ({from, to, why: from >= start
    ? why(from, to, known) : `no value; why is asked for ${kDaysMax} days only`}));
}
