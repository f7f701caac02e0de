import {get, series, seriesPath, stepOf} from '../api';
import type {Growth, Influencer, InfluencerGrowth, Series, Signals} from '../api';
import {chart, filled} from '../chart';
import type {Line} from '../chart';
import {age, el, number, ratio, table, tile, time} from '../dom';
import {nameOf, note, plotBox, ranges, secondsOf, section, signed, signedPercent, times,
  verdictMark} from './parts';
import type {View} from './parts';

const kSignalDaysMax = 31;

// Where a step has several minutes, its least and its most are drawn as well: no spike is lost.
async function extremes(id: string, seconds: number): Promise<[Series, Series] | null> {
  if (stepOf(seconds) === 60) return null;
  return Promise.all([series(id, seconds, 'min'), series(id, seconds, 'max')]);
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

function lines(data: Series, least: Series | null, most: Series | null): [number[], Line[]] {
  const columns = [data.follower_count, ...(least && most
    ? [least.follower_count, most.follower_count] : [])];
  const [seconds, [followers = [], lows, highs]] =
    filled(data.time_ms.map((t) => t / 1000), columns, data.step_seconds);
  return [seconds, [{label: 'Followers', values: followers},
    ...(lows && highs ? [{label: 'Least', values: lows}, {label: 'Most', values: highs}] : [])]];
}

export const influencer: View = async (into, args, id) => {
  const range = args.get('range') ?? '1h';
  const span = secondsOf(range);
  const start = Math.floor(Date.now() / 1000) - Math.min(span, kSignalDaysMax * 86400);
  const [latest, data, both, growth, signals] = await Promise.all([
    get<Influencer>(`/api/v1/influencers/${id}`), series(id, span), extremes(id, span),
    get<InfluencerGrowth>(`/api/v1/influencers/${id}/growth`),
    get<Signals>(`/api/v1/influencers/${id}/signals?start=${start}`)]);
  const [seconds, [following = [], ratios = []]] = filled(data.time_ms.map((t) => t / 1000),
    [data.following_count, data.follower_ratio], data.step_seconds);
  const box = plotBox();
  const counts = plotBox();
  const rows = data.time_ms.map((t, i) => [time(t), number(data.follower_count[i] ?? null),
    number(data.following_count[i] ?? null), ratio(data.follower_ratio[i] ?? null)]).reverse();
  into.replaceChildren(
    el('h1', {}, nameOf(latest)),
    el('div', {class: 'tiles'},
      tile('Followers', number(latest.follower_count)),
      tile('Following', number(latest.following_count)),
      tile('Ratio', ratio(latest.follower_ratio)),
      tile('Rank', `${number(latest.rank)} of ${number(latest.of)}`),
      tile('Network says', verdictMark(latest.verdict)),
      tile('Age', age(latest.age_seconds))),
    ranges(`#/influencer/${id}?`, range), section('Followers', box),
    section('Following and ratio', counts),
    section('Growth', growthTable(growth)), words(latest, signals),
    el('div', {class: 'tools'},
      el('a', {class: 'button', href: `#/alerts/new?influencer=${id}`}, 'Alert me'),
      el('a', {class: 'button', href: seriesPath(id, span, 'csv'),
        download: `${id}.csv`}, 'Download CSV'),
      el('a', {class: 'button', href: `/api/v1/influencers/${id}`}, 'API'),
      el('a', {class: 'button', href: `/api/v1/influencers/${id}/badge.svg`}, 'Badge'),
      el('a', {class: 'button', href: `#/compare?ids=${id}`}, 'Compare')),
    el('details', {}, el('summary', {}, 'As a table (the newest 500)'),
      table('Values', ['Time', 'Followers', 'Following', 'Ratio'], rows.slice(0, 500))));
  if (seconds.length === 0) return void box.append(note('There is no value in this range.'));
  const [along, drawn] = lines(data, both?.[0] ?? null, both?.[1] ?? null);
  chart(box, `Followers of ${nameOf(latest)}`, along, drawn, 320,
    signals.findings.map((one) => Date.parse(one.start) / 1000));
  chart(counts, `Following and ratio of ${nameOf(latest)}`, seconds, [
    {label: 'Following', values: following}, {label: 'Ratio', values: ratios, scale: 'r'}], 200);
};
