import {rangeOf, series} from '../api';
import type {Range, Values} from '../api';
import {chart, filled} from '../chart';
import type {Line} from '../chart';
import {isEmpty} from '../columns';
import {el, number, ratio, table} from '../dom';
import {ranks, rankStep} from '../ranks';
import type {Column} from '../ranks';
import {stretchOf, stretchTools} from '../stretch';
import {choices, details, note, plotBox, ranges, secondsOf, section} from './parts';
import type {View} from './parts';

const kMostCompared = 10;
const kModes = ['absolute', 'indexed', 'percent', 'rank'];

function scaled(values: Values, mode: string): Values {
  const base = values.find((value) => value !== null) ?? null;
  if (mode === 'absolute') return values;
  if (base === null || base === 0) return values.map(() => null);
  const offset = mode === 'percent' ? 100 : 0;
  return values.map((value) => value === null ? null : value / base * 100 - offset);
}

async function counts(id: string, range: Range): Promise<Column> {
  const data = await series(id, range);
  return {times: data.time_ms.map((t) => t / 1000), values: data.follower_count};
}

// Columns on one axis.
function joined(ids: string[], columns: Column[], step: number): {times: number[]; lines: Line[]} {
  const all = [...new Set(columns.flatMap((one) => one.times))].sort((a, b) => a - b);
  const spread = columns.map((one) => {
    const known = new Map(one.times.map((t, i) => [t, one.values[i] ?? null]));
    return all.map((t) => known.get(t) ?? null);
  });
  const [times, values] = filled(all, spread, step);
  return {times, lines: values.map((column, i) => ({label: ids[i] ?? '', values: column}))};
}

function idField(ids: string[], rest: string): HTMLElement {
  const input = el('input', {name: 'ids', value: ids.join(', '), 'aria-label': 'Ids to compare',
    placeholder: 'Up to 10 ids, with commas'}) as HTMLInputElement;
  const form = el('form', {class: 'tools'}, input, el('button', {}, 'Compare'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    location.hash = `#/compare?ids=${input.value.replace(/\s+/g, '')}${rest}`;
  });
  return form;
}

export const compare: View = async (into, args) => {
  const ids = [...new Set((args.get('ids') ?? '').split(/[\s,]+/).filter((id) => /^\d+$/.test(id)))]
    .slice(0, kMostCompared);
  const mode = args.get('mode') ?? 'indexed';
  const chosen = args.get('range') ?? '1h';
  const span = secondsOf(chosen);
  const range = rangeOf(span, args.get('detail') === 'minutes');
  into.replaceChildren(el('h1', {}, 'Compare'), idField(ids, `&mode=${mode}&range=${chosen}`));
  if (ids.length === 0) return void into.append(note('Name two to ten ids.'));
  const base = `#/compare?ids=${ids.join(',')}`;
  const with_mode = `${base}&mode=${mode}`;
  into.append(choices('Scale', kModes, mode, (name) => `${base}&mode=${name}&range=${chosen}`),
    ranges(`${with_mode}&`, chosen),
    mode === 'rank' ? '' : details(`${with_mode}&range=${chosen}`, range, span));
  const is_rank = mode === 'rank';
  const step = is_rank ? rankStep(span) : range.step;
  if (!step) return void into.append(note('Ranks are counted for up to 7 days.'));
  const box = plotBox();
  const made = section(is_rank ? 'Rank, the best at the top' : 'Followers', box);
  into.append(made);
  box.append(note(is_rank ? 'Counting ranks among everybody, minute by minute…' : 'Loading…'));
  const columns = await Promise.all(ids.map((id) =>
    is_rank ? ranks(id, span, step) : counts(id, range)));
  const {times, lines} = joined(ids, columns, step);
  if (lines.every((line) => isEmpty(line.values))) {
    return void box.replaceChildren(note('There is no value in this range.'));
  }
  box.replaceChildren();
  for (const line of lines) if (!is_rank) line.values = scaled(line.values, mode);
  const stretch = stretchOf(times, args);
  chart(box, {label: is_rank ? 'Ranks compared' : 'Followers compared', times, lines, height: 340,
    stretch, reversed: is_rank});
  made.append(stretchTools(stretch));
  const said = is_rank ? number : ratio;
  into.append(table('Newest values', ['Line', 'Id', is_rank ? 'Rank' : `Followers, ${mode}`],
    lines.map((line, i) => [String(i + 1),
      el('a', {href: `#/influencer/${line.label}`}, line.label),
      said(line.values.findLast((value) => value !== null) ?? null)])));
};
