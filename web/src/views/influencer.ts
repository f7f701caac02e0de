import {get, kSecondsMost, Problem, rangeOf, series, seriesPath} from '../api';
import type {Gaps, Growth, Influencer, InfluencerGrowth, Range, Series, Signals, Summary}
  from '../api';
import {curves} from '../curves';
import {ago, button, el, everySecond, number, ratio, refill, signed, signedPercent, table, tile,
  time} from '../dom';
import {gapsIn, kMonthSeconds, reasonAt, saidReason} from '../gaps';
import {marksOf, signalList} from '../signals';
import {buttonTo, chosenTime, details, kRanges, nameOf, note, oneOf, orNothing, ranges,
  secondsOf, section, timeField, tools, verdictMark} from './parts';
import type {Live, View} from './parts';

const kAll = 'all';
const kNotNow = 'Not available right now.';
const kLateSeconds = 150;
const kOlder = 1.1;  // than the range, by so much of it: its begin moves on while somebody looks
const kRowsListed = 500;

// ---- which time is shown

interface Chosen {
  range: Range;
  name: string;        // of the range; empty: from and to as the address says
  at: number | null;   // a past minute is shown; epoch seconds
}

const numberIn = (args: URLSearchParams, name: string) => {
  const value = Number(args.get(name) ?? NaN);
  return Number.isFinite(value) ? value : null;
};

// From the first value on, as far as the API goes in one question.
async function spanOf(name: string, id: string): Promise<number> {
  if (name !== kAll) return secondsOf(name);
  const {time_ms, follower_count} = await series(id, {seconds: kSecondsMost, step: 3600});
  const first = time_ms[follower_count.findIndex((value) => value !== null)];
  return first === undefined ? 3600 : Math.max(300, Math.ceil((Date.now() - first) / 1000));
}

// A stretch that is older than the range, as of an address that somebody kept, is shown as it is.
async function chosenBy(args: URLSearchParams, id: string): Promise<Chosen> {
  const by_minutes = args.get('detail') === 'minutes';
  const [from, to, at] = ['from', 'to', 'at'].map((one) => numberIn(args, one));
  const name = oneOf(args, 'range', [...kRanges.map(([one]) => one), kAll]);
  const span = await spanOf(name, id);
  if (at != null) return {name, at, range: {...rangeOf(span, by_minutes), end: at + 60}};
  if (from != null && to != null && to > from
    && (!args.has('range') || from < Date.now() / 1000 - span * kOlder)) {
    const seconds = Math.max(300, to - from);
    return {name: '', at: null, range: {...rangeOf(seconds, by_minutes), end: Math.ceil(to) + 60}};
  }
  return {name, at: null, range: rangeOf(span, by_minutes)};
}

// Any stretch, by its two ends.
function fromTo(id: string, {range}: Chosen): HTMLElement {
  const end = range.end ?? Date.now() / 1000;
  const fields = [timeField('From', end - range.seconds), timeField('To', end)] as const;
  const form = el('form', {class: 'labelled'}, fields[0], el('span', {}, 'to'), fields[1],
    el('button', {}, 'Show'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const [from, to] = fields.map(chosenTime);
    if (from != null && to != null) location.hash = `#/influencer/${id}?from=${from}&to=${to}`;
  });
  return form;
}

// ---- what it is now, or was

function tiles(latest: Influencer, old: Text | string, ours: number | null): HTMLElement {
  const rank = tile('Rank', number(latest.rank));
  rank.append(el('span', {}, `of ${number(latest.of)}`));
  const verdict = tile('Network verdict', verdictMark(latest.verdict));
  if (latest.verdict) verdict.append(el('span', {}, 'Checked ', time(latest.verdict.checked_at)));
  if (ours !== null) {
    verdict.append(el('span', {}, ours === 0 ? 'No signals'
      : `${number(ours)} signal${ours === 1 ? '' : 's'}`));
  }
  return el('div', {class: 'tiles'},
    tile('Followers', number(latest.follower_count)),
    tile('Following', number(latest.following_count)),
    tile('Ratio', ratio(latest.follower_ratio)), rank, verdict, tile('Last updated', old));
}

// The age grows until the next value.
class Now {
  readonly shown = el('div');
  private told_at = 0;
  private readonly old = new Text();

  constructor(private latest: Influencer, private ours: number | null, private missing: Gaps | null,
      is_past: boolean) {
    this.tell(latest);
    if (!is_past) everySecond(this.shown, () => this.tellAge());
  }

  tell(latest: Influencer): void {
    this.latest = latest;
    this.told_at = Date.now();
    this.draw();
  }
  learn(ours: number | null, missing: Gaps | null): void {
    this.ours = ours;
    this.missing = missing;
    this.draw();
  }

  private seconds(): number | null {
    const {age_seconds} = this.latest;
    return age_seconds === null ? null : age_seconds + (Date.now() - this.told_at) / 1000;
  }
  private tellAge(): void { this.old.data = ago(this.seconds()); }
  private draw(): void {
    this.tellAge();
    refill(this.shown, ...this.standstill(), tiles(this.latest, this.old, this.ours));
  }

  // Why there is nothing new, if it is so.
  private standstill(): HTMLElement[] {
    const seconds = this.seconds();
    const gap = this.missing?.items[0];
    if (seconds === null || seconds < kLateSeconds || !gap || !this.latest.retrieved_at) return [];
    if (Date.parse(gap.end) <= Date.parse(this.latest.retrieved_at)) return [];
    return [el('p', {class: 'banner', role: 'note'}, '▲ No new values since ',
      time(this.latest.retrieved_at), `: ${saidReason(gap.reason)}.`)];
  }
}

// ---- its sections

function growthTable(growth: InfluencerGrowth | null): HTMLElement {
  if (!growth) return note(kNotNow);
  const row = (label: string, one: Growth | null) => one === null
    ? [label, '–', '–', '–', '–', '–']
    : [label, signed(one.change), signedPercent(one.percent), signed(one.ups), signed(one.downs),
      el('span', {}, time(one.since), one.complete ? '' : ' (start of data)',
        one.damaged ? ` (${saidReason('damaged')} in some minutes)` : '')];
  return table('Up to the latest value',
    ['Window', '#Change', '#Percent', '#Gained', '#Lost', 'Since'],
    [row('Hour', growth.hour), row('Day', growth.day), row('Week', growth.week)]);
}

function words(latest: Influencer, signals: Signals | null): HTMLElement[] {
  const verdict = latest.verdict;
  const network = el('div', {}, el('h3', {}, 'Network verdict'),
    el('p', {}, verdictMark(verdict)),
    verdict ? note('Checked ', time(verdict.checked_at), ', unchanged since ',
      time(verdict.changed_at), '. No reason given.') : note('Every influencer is checked daily.'));
  const own = el('div', {}, el('h3', {}, 'Signals'),
    signals ? signalList(signals) : note(kNotNow));
  return [el('h2', {}, 'Verdict and signals'), network, own];
}

// From the first value on; a minute without one says why.
function valueTable(data: Series, missing: Gaps | null): HTMLElement {
  const first = data.follower_count.findIndex((value) => value !== null);
  const rows = data.time_ms.map((t, i) => [time(t), number(data.follower_count[i] ?? null),
    number(data.following_count[i] ?? null), ratio(data.follower_ratio[i] ?? null),
    data.follower_count[i] == null ? reasonAt(missing, t) : '']);
  return el('details', {}, el('summary', {}, 'Show as table'),
    table(`Newest first, up to ${kRowsListed} rows`,
      ['Time', '#Followers', '#Following', '#Ratio', 'Reason'],
      rows.slice(Math.max(first, 0)).slice(-kRowsListed).reverse()));
}

function badge(id: string): HTMLElement {
  const path = `/api/v1/influencers/${id}/badge.svg`;
  const code = `<img src="${location.origin}${path}" alt="Followers">`;
  const copied = el('span', {class: 'note', role: 'status'});
  return el('details', {}, el('summary', {}, 'Embed code'),
    el('p', {}, el('img', {src: path, alt: 'Badge preview', loading: 'lazy'})),
    el('code', {}, code),
    tools(button('Copy', () => {
      navigator.clipboard.writeText(code).then(() => { copied.textContent = 'Copied.'; },
        () => { copied.textContent = 'Copying failed: select the code and copy it manually.'; });
    }), buttonTo('Dark version', `${path}?theme=dark`), copied));
}

const links = (id: string, range: Range) => tools(
  buttonTo('Create alert', `#/alerts/new?influencer=${id}`),
  buttonTo('Compare', `#/compare?ids=${id}`),
  buttonTo('CSV', seriesPath(id, range, 'csv'), {download: `${id}.csv`}),
  buttonTo('API', seriesPath(id, range, 'columns')));

function banner(id: string, chosen: Chosen, latest: Influencer): HTMLElement[] {
  const {at, range, name} = chosen;
  const now = buttonTo('Now', `#/influencer/${id}`);
  if (at !== null) {
    const value = latest.rank === null ? 'no value in this minute'
      : `rank ${number(latest.rank)} of ${number(latest.of)}`
        + (latest.closed === false ? ' so far (minute in progress)' : '');
    const to = (minute: number) => `#/influencer/${id}?range=${name}&at=${minute}`;
    return [el('div', {class: 'banner', role: 'note'},
      el('p', {}, 'As of ', time(at * 1000), `: ${value}. The network verdict is the current one.`),
      tools(buttonTo('◀ Previous minute', to(at - 60)), buttonTo('Next minute ▶', to(at + 60)),
        now))];
  }
  if (name) return [];
  const end = range.end ?? 0;
  return [el('div', {class: 'banner', role: 'note'},
    el('p', {}, 'Charts show ', time((end - range.seconds) * 1000), ' to ', time(end * 1000),
      '; the tiles show current values.'), tools(now))];
}

// Where a step has several minutes, its least and its most are drawn as well: no spike is lost.
async function extremes(id: string, range: Range): Promise<[Series, Series] | null> {
  if (range.step === 60) return null;
  return Promise.all([series(id, range, 'min'), series(id, range, 'max')]);
}

// What changes with a minute, beside the curves.
const asked = (id: string, range: Range) => {
  const end = range.end ?? Math.floor(Date.now() / 1000);
  const start = Math.floor(end - Math.min(range.seconds, kMonthSeconds));
  const until = range.end ? `&end=${Math.floor(range.end)}` : '';
  return Promise.all([orNothing(gapsIn(id, range)),
    orNothing(get<InfluencerGrowth>(`/api/v1/influencers/${id}/growth`)),
    orNothing(get<Signals>(`/api/v1/influencers/${id}/signals?start=${start}${until}`))]);
};

export const influencer: View = async (into, args, id, turn): Promise<Live | void> => {
  if (!id) throw new Problem(404, 'Search by id or name, or choose one from the leaderboard.');
  const chosen = await chosenBy(args, id);
  const {range, at, name} = chosen;
  const past = at === null ? '' : `?at=${at}`;
  if (name) args.set('range', name);  // with a part of it in the address, it is still this range
  const [latest, data, both, [missing, growth, signals], summary] = await Promise.all([
    get<Influencer>(`/api/v1/influencers/${id}${past}`), series(id, range),
    orNothing(extremes(id, range)), asked(id, range), orNothing(get<Summary>('/api/v1/summary'))]);
  if (turn.isOver()) return;
  const base = `#/influencer/${id}?`;
  const suspicious = el('section', {class: 'aside-1'}, ...words(latest, signals));
  const growing = el('section', {}, el('h2', {}, 'Growth'), growthTable(growth));
  const listed = el('div', {}, valueTable(data, missing));
  const drawn = el('div');
  const count = (found: Signals | null) => found ? found.findings.length : null;
  const now = new Now(latest, count(signals), missing, at !== null);
  into.replaceChildren(
    el('div', {class: 'headline'}, el('h1', {}, nameOf(latest)), links(id, range)),
    ...banner(id, chosen, latest), now.shown,
    el('div', {class: 'split'},
      el('div', {class: 'charts'},
        el('div', {class: 'toolbar'}, ranges(base, name, [kAll]),
          details(`${base}range=${name}`, range, range.seconds), fromTo(id, chosen)),
        drawn, section('Values', listed)),
      suspicious, el('div', {class: 'aside-2'}, growing, section('Badge', badge(id)))));
  const marks = marksOf(signals);
  const is_live = range.end === undefined;
  const whole = summary?.minute ? Date.parse(summary.minute.minute) / 1000 : 0;
  const shown = curves(drawn, {
    id, name: nameOf(latest), range, args, data, both, missing, marks, is_live,
    is_trimmed: name === kAll, newest: is_live ? whole : 0,
    tell: (newest) => now.tell(newest), again: turn.again});
  if (!is_live) return;
  return {minute: async () => {
    const [gaps, growth_now, found] = await asked(id, range);
    shown?.learn(gaps, marksOf(found));
    now.learn(count(found), gaps);
    refill(growing, el('h2', {}, 'Growth'), growthTable(growth_now));
    const [latest_now, values] = await Promise.all(
      [get<Influencer>(`/api/v1/influencers/${id}`), series(id, range)]);
    refill(suspicious, ...words(latest_now, found));
    refill(listed, valueTable(values, gaps));
  }};
};
