import {series} from '../api';
import type {Values} from '../api';
import {chart, filled} from '../chart';
import type {Line} from '../chart';
import {el, ratio, table} from '../dom';
import {choices, note, plotBox, ranges, secondsOf, section} from './parts';
import type {View} from './parts';

const kMostCompared = 10;

function scaled(values: Values, mode: string): Values {
  const base = values.find((value) => value !== null) ?? null;
  if (mode === 'absolute') return values;
  if (base === null || base === 0) return values.map(() => null);
  const offset = mode === 'percent' ? 100 : 0;
  return values.map((value) => value === null ? null : value / base * 100 - offset);
}

async function compareLines(ids: string[], range: string, mode: string) {
  const all = await Promise.all(ids.map((id) => series(id, secondsOf(range))));
  const times = [...new Set(all.flatMap((one) => one.time_ms))].sort((a, b) => a - b);
  const step = all[0]?.step_seconds ?? 60;
  const columns = all.map((one) => {
    const known = new Map(one.time_ms.map((t, i) => [t, one.follower_count[i] ?? null]));
    return scaled(times.map((t) => known.get(t) ?? null), mode);
  });
  const [seconds, spread] = filled(times.map((t) => t / 1000), columns, step);
  return {seconds, lines: spread.map((values, i): Line => ({label: ids[i] ?? '', values}))};
}

export const compare: View = async (into, args) => {
  const ids = [...new Set((args.get('ids') ?? '').split(/[\s,]+/).filter((id) => /^\d+$/.test(id)))]
    .slice(0, kMostCompared);
  const mode = args.get('mode') ?? 'indexed';
  const range = args.get('range') ?? '1h';
  const input = el('input', {name: 'ids', value: ids.join(', '), 'aria-label': 'Ids to compare',
    placeholder: 'Up to 10 ids, with commas'}) as HTMLInputElement;
  const form = el('form', {class: 'tools'}, input, el('button', {}, 'Compare'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    location.hash = `#/compare?ids=${input.value.replace(/\s+/g, '')}&mode=${mode}&range=${range}`;
  });
  into.replaceChildren(el('h1', {}, 'Compare'), form);
  if (ids.length === 0) return void into.append(note('Name two to ten ids.'));
  const base = `#/compare?ids=${ids.join(',')}`;
  const modes = choices('Scale', ['absolute', 'indexed', 'percent'], mode,
    (name) => `${base}&mode=${name}&range=${range}`);
  const box = plotBox();
  into.append(modes, ranges(`${base}&mode=${mode}&`, range), section('Followers', box));
  const {seconds, lines} = await compareLines(ids, range, mode);
  if (seconds.length === 0) return void box.append(note('There is no value in this range.'));
  chart(box, 'Followers compared', seconds, lines, 340);
  into.append(table('Newest values', ['Line', 'Id', `Followers, ${mode}`], lines.map((line, i) =>
    [String(i + 1), el('a', {href: `#/influencer/${line.label}`}, line.label),
      ratio(line.values.findLast((value) => value !== null) ?? null)])));
};
