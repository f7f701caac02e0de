import {get, rangeOf, series, seriesPath} from '../api';
import type {Gaps, Growth, Influencer, InfluencerGrowth, Range, Series, Signals, Summary,
  Values} from '../api';
import {chart, filled} from '../chart';
import type {Band} from '../chart';
import {age, el, number, ratio, table, tile, time} from '../dom';
import {drawnGaps, gapsIn, gapTable} from '../gaps';
import {stretchOf, stretchTools} from '../stretch';
import {details, nameOf, note, plotBox, ranges, secondsOf, section, signed, signedPercent, times,
  verdictMark} from './parts';
import type {View} from './parts';

const kSignalDaysMax = 31;

// Where a step has several minutes, its least and its most are drawn as well: no spike is lost.
async function extremes(id: string, range: Range): Promise<[Series, Series] | null> {
  if (range.step === 60) return null;
  return Promise.all([series(id, range, 'min'), series(id, range, 'max')]);
}

function growthTable(growth: InfluencerGrowth): HTMLElement {
  const row = (label: string, one: Growth | null) => one === null
    ? [label, '–', '–', '–', '–', '–']
    : [label, one.complete ? time(one.since) : el('span', {}, time(one.since), ' (all there is)'),
      signed(one.change), signedPercent(one.percent), signed(one.ups), signed(one.downs)];
  return table('Up to the newest value', ['Window', 'Since', 'Change', 'Percent', 'Ups', 'Downs'],
    [row('Hour', growth.hour), row('Day', growth.day), row('Week', growth.week)]);
}

function signalList(signals: Signals): HTMLElement {
  if (signals.findings.length === 0) return note('Nothing in this range.');
  return el('ul', {class: 'signals'}, ...signals.findings.slice(0, 20).map((finding) =>
    el('li', {}, el('strong', {}, finding.kind.replaceAll('_', ' ')), ' ',
      times(finding.start, finding.end), el('br'), finding.evidence)));
}

function words(latest: Influencer, signals: Signals): HTMLElement {
  const verdict = latest.verdict;
  const network = el('div', {}, el('h3', {}, 'The network says'),
    el('p', {}, verdictMark(verdict)),
    verdict ? el('p', {class: 'note'}, 'Checked ', time(verdict.checked_at), ', so since ',
      time(verdict.changed_at), '.') : note('Not checked yet: everybody is, once a day.'));
  const own = el('div', {}, el('h3', {}, 'What we see'), signalList(signals));
  return section('Suspicious?', el('div', {class: 'halves'}, network, own));
}

function bandOf(columns: Values[], step: number): Band | null {
  const [least, most] = columns;
  return least && most
    ? {label: `In ${step / 60} minutes`, least, most} : null;
}

function valueTable(data: Series): HTMLElement {
  const rows = data.time_ms.map((t, i) => [time(t), number(data.follower_count[i] ?? null),
    number(data.following_count[i] ?? null), ratio(data.follower_ratio[i] ?? null)]);
  return el('details', {}, el('summary', {}, 'As a table (the newest 500)'),
    table('Values', ['Time', 'Followers', 'Following', 'Ratio'], rows.slice(-500).reverse()));
}

function tiles(latest: Influencer): HTMLElement {
  return el('div', {class: 'tiles'},
    tile('Followers', number(latest.follower_count)),
    tile('Following', number(latest.following_count)),
    tile('Ratio', ratio(latest.follower_ratio)),
    tile('Rank', `${number(latest.rank)} of ${number(latest.of)}`),
    tile('Network says', verdictMark(latest.verdict)),
    tile('Age', age(latest.age_seconds)));
}

function links(id: string, range: Range): HTMLElement {
  const one = (text: string, href: string, more = {}) =>
    el('a', {class: 'button', href, ...more}, text);
  return el('div', {class: 'tools'},
    one('Alert me', `#/alerts/new?influencer=${id}`),
    one('Download CSV', seriesPath(id, range, 'csv'), {download: `${id}.csv`}),
    one('API', `/api/v1/influencers/${id}`), one('Badge', `/api/v1/influencers/${id}/badge.svg`),
    one('Compare', `#/compare?ids=${id}`));
}

// All columns on one axis that ends with the newest complete minute.
function charts(into: HTMLElement, args: URLSearchParams, name: string, data: Series,
    both: [Series, Series] | null, summary: Summary, missing: Gaps, marks: number[]): void {
  const step = data.step_seconds;
  const newest = summary.minute ? Date.parse(summary.minute.minute) / 1000 : 0;
  const [times, [followers = [], following = [], ratios = [], ...edges]] = filled(
    data.time_ms.map((t) => t / 1000), [data.follower_count, data.following_count,
      data.follower_ratio, ...(both ?? []).map((one) => one.follower_count)], step, newest);
  if (times.length === 0) return void into.append(note('There is no value in this range.'));
  const gaps = drawnGaps(times, followers, step, missing);
  const stretch = stretchOf(times, args);
  const above = plotBox();
  const below = plotBox();
  into.append(section('Followers', above, stretchTools(stretch), gapTable(missing)),
    section('Following and ratio', below));
  chart(above, {label: `Followers of ${name}`, times, height: 320, stretch, gaps, marks,
    lines: [{label: 'Followers', values: followers}], band: bandOf(edges, step)});
  chart(below, {label: `Following and ratio of ${name}`, times, height: 200, stretch, gaps,
    lines: [{label: 'Following', values: following},
      {label: 'Ratio', values: ratios, scale: 'r'}]});
}

export const influencer: View = async (into, args, id) => {
  const chosen = args.get('range') ?? '1h';
  const span = secondsOf(chosen);
  const range = rangeOf(span, args.get('detail') === 'minutes');
  const start = Math.floor(Date.now() / 1000) - Math.min(span, kSignalDaysMax * 86400);
  const [latest, data, both, missing, growth, signals, summary] = await Promise.all([
    get<Influencer>(`/api/v1/influencers/${id}`), series(id, range), extremes(id, range),
    gapsIn(id, range), get<InfluencerGrowth>(`/api/v1/influencers/${id}/growth`),
    get<Signals>(`/api/v1/influencers/${id}/signals?start=${start}`),
    get<Summary>('/api/v1/summary')]);
  const base = `#/influencer/${id}?`;
  const drawn = el('div');
  into.replaceChildren(
    el('h1', {}, nameOf(latest)), tiles(latest), ranges(base, chosen),
    details(`${base}range=${chosen}`, range, span), drawn,
    section('Growth', growthTable(growth)), words(latest, signals), links(id, range),
    valueTable(data));
  charts(drawn, args, nameOf(latest), data, both, summary, missing,
    signals.findings.map((one) => Date.parse(one.start) / 1000));
};
