import {getText} from './api';

// What /metrics says: name with labels, value. Prometheus text format.
type Values = Map<string, number>;
export interface Sample { at: number; values: Values }

export async function sample(): Promise<Sample> {
  const values: Values = new Map();
  for (const line of (await getText('/metrics')).split('\n')) {
    const end = line.lastIndexOf(' ');
    if (end > 0 && !line.startsWith('#')) values.set(line.slice(0, end), Number(line.slice(end)));
  }
  return {at: Date.now() / 1000, values};
}

// Of all series of a name whose labels match; null where there is none.
export function sum({values}: Sample, name: string, labels = /./): number | null {
  let total: number | null = null;
  for (const [key, value] of values) {
    const [own = '', ...rest] = key.split('{');
    if (own === name && labels.test(`{${rest.join('{')}`)) total = (total ?? 0) + value;
  }
  return total;
}

export function rate(before: Sample, now: Sample, name: string, labels?: RegExp): number | null {
  const [from, to] = [sum(before, name, labels), sum(now, name, labels)];
  return from === null || to === null || now.at <= before.at || to < from ? null
    : (to - from) / (now.at - before.at);
}

const bound = (key: string) => Number(/le="([^"]+)"/.exec(key)?.[1]?.replace('+Inf', 'Infinity'));

// The bound of the histogram's bucket that 99 of 100 are in, of what came between; or the largest
// bound that there is, and that it was passed. Nothing where nothing came, or it began anew.
export interface Quantile { seconds: number; is_over: boolean }
export function p99(before: Sample, now: Sample, name: string): Quantile | null {
  const counts = new Map<number, number>();
  for (const [key, value] of now.values) {
    if (!key.startsWith(`${name}_bucket{`)) continue;
    const at = bound(key);
    counts.set(at, (counts.get(at) ?? 0) + value - (before.values.get(key) ?? 0));
  }
  const all = counts.get(Infinity) ?? 0;
  if (all === 0 || [...counts.values()].some((count) => count < 0)) return null;
  counts.delete(Infinity);
  const bounds = [...counts.keys()].sort((a, b) => a - b);
  const found = bounds.find((at) => (counts.get(at) ?? 0) >= 0.99 * all);
  const largest = bounds[bounds.length - 1] ?? 0;
  return {seconds: found ?? largest, is_over: found === undefined};
}
