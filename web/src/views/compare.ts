import {get, rangeOf, series} from '../api';
import type {Found, Gaps, Influencer, Range, Values} from '../api';
import {chart, filled} from '../chart';
import type {Line} from '../chart';
import {isEmpty} from '../columns';
import {el, number, refill, signedPercent, table, time} from '../dom';
import type {Id} from '../exact';
import {drawnGaps, gapsIn, together} from '../gaps';
import {kFewer, ranks, rankStep} from '../ranks';
import type {Column} from '../ranks';
import {stretchOf, stretchTools} from '../stretch';
import {buttonTo, details, kRanges, labelled, nameOf, note, oneOf, orNothing, plotBox, ranges, reason,
  secondsOf, section, tools} from './parts';
import type {Live, View} from './parts';

const kMostCompared = 10;
const kRowsListed = 200;
const kTypedMs = 200;
const one = new Intl.NumberFormat('en', {minimumFractionDigits: 1, maximumFractionDigits: 1});

interface Mode { title: string; said: (value: number) => string }
const kModes: Record<string, Mode> = {
  indexed: {title: 'Followers (indexed to 100)', said: (value) => one.format(value)},
  absolute: {title: 'Followers', said: number},
  percent: {title: 'Followers (change since first value)', said: signedPercent},
  rank: {title: 'Rank over time', said: number}};

function scaled(values: Values, mode: string): Values {
  const base = values.find((value) => value !== null) ?? null;
  if (mode === 'absolute' || mode === 'rank') return values;
  if (base === null || base === 0) return values.map(() => null);
  const offset = mode === 'percent' ? 100 : 0;
  return values.map((value) => value === null ? null : value / base * 100 - offset);
}

async function counts(id: string, range: Range): Promise<Column> {
  const data = await series(id, range);
  return {times: data.time_ms.map((t) => t / 1000), values: data.follower_count};
}

// Columns on one axis, from the beginning of the range on.
interface Joined { times: number[]; lines: Line[]; known: Gaps | null; is_damaged: boolean }
function joined(names: string[], columns: Column[], step: number, from: number,
    known: Gaps | null): Joined {
  const begin = Math.ceil(from / step) * step;
  const all = [...new Set([begin, ...columns.flatMap((column) => column.times)])]
    .sort((a, b) => a - b);
  const spread = columns.map((column) => {
    const known = new Map(column.times.map((t, i) => [t, column.values[i] ?? null]));
    return all.map((t) => known.get(t) ?? null);
  });
  const [times, values] = filled(all, spread, step);
  return {times, lines: values.map((column, i) => ({label: names[i] ?? '', values: column})),
    known, is_damaged: columns.some((column) => column.is_damaged)};
}

// ---- who is compared

interface Asked { ids: string[]; left_out: string[] }

function askedBy(args: URLSearchParams): Asked {
  const words = [...new Set((args.get('ids') ?? '').split(/[\s,]+/).filter(Boolean))];
  const ids = words.filter((word) => /^\d+$/.test(word));
  return {ids: ids.slice(0, kMostCompared), left_out: [
    ...words.filter((word) => !/^\d+$/.test(word))
      .map((word) => `No influencer with id “${word}”.`),
    ...(ids.length > kMostCompared
      ? [`At most ${kMostCompared} can be compared; left out: `
        + `${ids.slice(kMostCompared).join(', ')}.`]
      : [])]};
}

// Those that are there with a way to take each out, and a field that knows ids and names.
function picker(ids: string[], names: Map<string, string>, to: (ids: string[]) => string,
    ): HTMLElement {
  const options = el('datalist', {id: 'found'});
  const field = el('input', {name: 'add', list: 'found', autocomplete: 'off', maxlength: '64',
    'aria-label': 'Add by id or name', placeholder: 'Add by id or name'}) as HTMLInputElement;
  const found = new Map<string, Id>();
  let rest = 0;
  field.addEventListener('input', () => {
    clearTimeout(rest);
    rest = setTimeout(() => {
      const typed = field.value.trim();
      if (!typed) return;
      get<Found>(`/api/v1/influencers?limit=8&prefix=${encodeURIComponent(typed)}`).then(
        ({items}) => {
          for (const item of items) found.set(nameOf(item), item.id);
          options.replaceChildren(...items.map((item) => el('option', {value: nameOf(item)},
            String(item.id))));
        }, () => { /* An id can be typed all the same. */ });
    }, kTypedMs);
  });
  const form = el('form', {class: 'labelled'}, field, options, el('button', {}, 'Add'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const typed = field.value.trim();
    if (!typed) return;
    const more = typed.split(/[\s,]+/).map((word) => String(found.get(word) ?? word));
    location.hash = to([...new Set([...ids, ...more])]);
  });
  return el('div', {class: 'toolbar'}, ...ids.map((id, i) => el('span', {class: 'chip'},
    el('b', {}, String(i + 1)), ' ', el('a', {href: `#/influencer/${id}`}, names.get(id) ?? id),
    el('a', {class: 'remove', href: to(ids.filter((other) => other !== id)),
      'aria-label': `Remove ${names.get(id) ?? id}`}, '×'))), form);
}

function listed(times: number[], lines: Line[], said: (value: number) => string): HTMLElement {
  const begin = Math.max(0, times.length - kRowsListed);
  const rows = times.slice(begin).map((at, i) => [time(at * 1000), ...lines.map((line) => {
    const value = line.values[begin + i] ?? null;
    return value === null ? '–' : said(value);
  })]);
  return el('details', {}, el('summary', {}, 'Show as table'),
    table(`Newest first, up to ${kRowsListed} rows`,
      ['Time', ...lines.map((line, i) => `#${i + 1} ${line.label}`)],
      rows.reverse()));
}

function newestTable(ids: string[], lines: Line[], is_rank: boolean): HTMLElement {
  const last = (values: Values) => values.findLast((value) => value !== null) ?? null;
  const heads = is_rank ? ['#Rank'] : ['#Followers', '#Change since first value'];
  return table('Latest in this range', ['Influencer', ...heads], lines.map((line, i) => [
    el('a', {href: `#/influencer/${ids[i]}`}, `${i + 1} ${line.label}`), number(last(line.values)),
    ...(is_rank ? [] : [signedPercent(last(scaled(line.values, 'percent')))])]));
}

export const compare: View = async (into, args, _id, turn): Promise<Live | void> => {
  const {ids, left_out} = askedBy(args);
  const mode = oneOf(args, 'mode', Object.keys(kModes));
  const name = oneOf(args, 'range', kRanges.map(([known]) => known));
  const {title, said} = kModes[mode] ?? {title: '', said: number};
  const span = secondsOf(name);
  const range = rangeOf(span, args.get('detail') === 'minutes');
  const is_rank = mode === 'rank';
  const step = is_rank ? rankStep(span) : range.step;
  const to = (chosen: string[], one_mode = mode, one_range = name) =>
    `#/compare?ids=${chosen.join(',')}&mode=${one_mode}&range=${one_range}`;

  const names = new Map<string, string>();
  const known: string[] = [];
  await Promise.all(ids.map((id) => get<Influencer>(`/api/v1/influencers/${id}`).then(
    (latest) => { names.set(id, nameOf(latest)); known.push(id); },
    (error: unknown) => { left_out.push(`${id}: ${reason(error)}`); })));
  const there = ids.filter((id) => known.includes(id));
  into.replaceChildren(el('h1', {}, 'Compare'), picker(there, names, (chosen) => to(chosen)));
  if (left_out.length > 0) {
    into.append(el('p', {class: 'banner', role: 'note'}, left_out.join(' ')));
  }
  if (there.length === 0) {
    return void into.append(note('Compare 2 to 10 influencers: add them by id or name, or '
      + 'select them in the leaderboard.'), tools(buttonTo('Leaderboard', '#/leaderboard')));
  }
  into.append(el('div', {class: 'toolbar'},
    labelled('Scale', Object.keys(kModes), mode, (chosen) => to(there, chosen)),
    ranges(`#/compare?ids=${there.join(',')}&mode=${mode}&`, name),
    is_rank ? '' : details(to(there), range, span)));
  if (!step) return void into.append(note('Ranks are available for up to 7 days.'));
  const box = plotBox(360);
  const made = section(title, box);
  into.append(made);
  box.append(note(is_rank ? 'Computing ranks minute by minute…' : 'Loading…'));
  const labels = there.map((id) => names.get(id) ?? id);
  const load = async () => {
    const known = is_rank ? null
      : Promise.all(there.map((id) => orNothing(gapsIn(id, range)))).then(together);
    const columns = await Promise.all(there.map((id) =>
      is_rank ? ranks(id, range, step) : counts(id, range)));
    return joined(labels, columns, step, Date.now() / 1000 - span, await known);
  };
  const hasNone = ({lines}: Joined) => lines.every((line) => isEmpty(line.values));
  let now = await load();
  if (turn.isOver()) return;
  let drawn_at = Date.now();
  // Ranks cost, and there is nothing new within a step of theirs.
  const isEarly = () => is_rank && Date.now() - drawn_at < step * 1000;
  if (hasNone(now)) {
    box.replaceChildren(note('No values in this range.'));
    return {minute: async () => {
      if (isEarly()) return;
      drawn_at = Date.now();
      if (!hasNone(await load())) turn.again();
    }};
  }
  box.replaceChildren();
  const onScale = ({lines}: Joined) => lines.map((line) =>
    ({...line, values: scaled(line.values, mode)}));
  const gapsOf = ({times, lines, known: why}: Joined) => is_rank ? [] : drawnGaps(times, times.map((_t, i) =>
    lines.every((line) => line.values[i] == null) ? null : 1), step, why);
  const gaps = gapsOf(now);
  let lines = onScale(now);
  const stretch = stretchOf(now.times, args);
  const redraw = chart(box, {label: title, times: now.times, lines, height: 360,
    stretch, reversed: is_rank, numbered: true, gaps, said});
  const [values, newest] = [el('div'), el('div')];
  const fill = () => {
    refill(values, now.is_damaged ? note(kFewer) : '', listed(now.times, lines, said));
    refill(newest, newestTable(there, now.lines, is_rank));
  };
  fill();
  made.append(stretchTools(stretch), values);
  into.append(section('Current values', newest));
  return {minute: async () => {
    if (isEarly()) return;
    now = await load();
    drawn_at = Date.now();
    const {times} = now;
    gaps.splice(0, gaps.length, ...gapsOf(now));
    lines = onScale(now);
    redraw(times, lines.map((line) => line.values));
    stretch.reach({from: times[0] ?? 0, to: times[times.length - 1] ?? 0});
    fill();
  }};
};
