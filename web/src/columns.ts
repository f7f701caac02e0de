import type {Values} from './api';

// Values of steps that follow each other without a hole, null where there is none.
export interface Columns { step: number; times: number[]; values: Values[] }

// Puts a row, made of what its step has so far, at the end; what is older than `seconds` goes.
export function put(columns: Columns, at: number, row: (before: Values) => Values,
    seconds: number): void {
  const {step, times, values} = columns;
  const place = Math.floor(at / step) * step;
  for (let next = (times[times.length - 1] ?? place - step) + step; next <= place; next += step) {
    times.push(next);
    for (const column of values) column.push(null);
  }
  const last = times.length - 1;
  if (times[last] !== place) return;
  const fresh = row(values.map((column) => column[last] ?? null));
  values.forEach((column, i) => { column[last] = fresh[i] ?? null; });
  const old = times.findIndex((time) => time > place - seconds - step);
  for (const column of [times, ...values]) column.splice(0, old);
}

export const isEmpty = (values: Values) => values.every((value) => value === null);

// From each value to the next; nothing across a gap.
export const changes = (values: Values): Values => values.map((value, i) => {
  const before = i > 0 ? values[i - 1] ?? null : null;
  return value === null || before === null ? null : value - before;
});
