import {get, kSecondsMost, rangeOf, series, seriesPath} from '../api';
import type {Growth, Influencer, InfluencerGrowth, Range, Series, Signals, Summary} from '../api';
import {curves} from '../curves';
import {age, el, everySecond, number, ratio, table, tile, time} from '../dom';
import {gapsIn, kMonthSeconds} from '../gaps';
import {details, nameOf, note, ranges, secondsOf, section, signed, signedPercent, times,
  verdictMark} from './parts';
import type {View} from './parts';

const kAll = 'all';
const kNotNow = 'This cannot be shown now.';
// What the page can do without.
const orNothing = <T>(asked: Promise<T>) => asked.catch(() => null);

// Where a step has several minutes, its least and its most are drawn as well: no spike is lost.
async function extremes(id: string, range: Range): Promise<[Series, Series] | null> {
  if (range.step === 60) return null;
  return Promise.all([series(id, range, 'min'), series(id, range, 'max')]);
}

function growthTable(growth: InfluencerGrowth | null): HTMLElement {
  if (!growth) return note(kNotNow);
  const row = (label: string, one: Growth | null) => one === null
    ? [label, '–', '–', '–', '–', '–']
    : [label, one.complete ? time(one.since) : el('span', {}, time(one.since), ' (all there is)'),
      signed(one.change), signedPercent(one.percent), signed(one.ups), signed(one.downs)];
  return table('Up to the newest value', ['Window', 'Since', 'Change', 'Percent', 'Ups', 'Downs'],
    [row('Hour', growth.hour), row('Day', growth.day), row('Week', growth.week)]);
}

function signalList(signals: Signals | null): HTMLElement {
  if (!signals) return note(kNotNow);
  if (signals.findings.length === 0) return note('Nothing in this range.');
  return el('ul', {class: 'signals'}, ...signals.findings.slice(0, 20).map((finding) =>
    el('li', {}, el('strong', {}, finding.kind.replaceAll('_', ' ')), ' ',
      times(finding.start, finding.end), el('br'), finding.evidence)));
}

function words(latest: Influencer, signals: Signals | null): HTMLElement {
  const verdict = latest.verdict;
  const network = el('div', {}, el('h3', {}, 'The network says'),
    el('p', {}, verdictMark(verdict)),
    verdict ? el('p', {class: 'note'}, 'Checked ', time(verdict.checked_at), ', so since ',
      time(verdict.changed_at), '.') : note('Not checked yet: everybody is, once a day.'));
  const own = el('div', {}, el('h3', {}, 'What we see'), signalList(signals));
  return section('Suspicious?', el('div', {class: 'halves'}, network, own));
}

function valueTable(data: Series): HTMLElement {
  const rows = data.time_ms.map((t, i) => [time(t), number(data.follower_count[i] ?? null),
    number(data.following_count[i] ?? null), ratio(data.follower_ratio[i] ?? null)]);
  return el('details', {}, el('summary', {}, 'As a table (the newest 500)'),
    table('Values', ['Time', 'Followers', 'Following', 'Ratio'], rows.slice(-500).reverse()));
}

function tiles(latest: Influencer, old: Text): HTMLElement {
  return el('div', {class: 'tiles'},
    tile('Followers', number(latest.follower_count)),
    tile('Following', number(latest.following_count)),
    tile('Ratio', ratio(latest.follower_ratio)),
    tile('Rank', `${number(latest.rank)} of ${number(latest.of)}`),
    tile('Network says', verdictMark(latest.verdict)),
    tile('Age', old));
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

// From the first value on, as far as the API goes in one question.
async function spanOf(chosen: string, id: string): Promise<number> {
  if (chosen !== kAll) return secondsOf(chosen);
  const {time_ms, follower_count} = await series(id, {seconds: kSecondsMost, step: 3600});
  const first = time_ms[follower_count.findIndex((value) => value !== null)];
  return first === undefined ? 3600 : Math.max(3600, Math.ceil((Date.now() - first) / 1000));
}

// The age grows until the next value.
function liveTiles(latest: Influencer): [HTMLElement, (now: Influencer) => void] {
  const place = el('div');
  let known = latest;
  let told_at = 0;
  const old = new Text();
  const tellAge = () => {
    const {age_seconds} = known;
    old.data = age(age_seconds === null ? null : age_seconds + (Date.now() - told_at) / 1000);
  };
  const tell = (now: Influencer) => {
    known = now;
    told_at = Date.now();
    tellAge();
    place.replaceChildren(tiles(now, old));
  };
  tell(latest);
  everySecond(place, tellAge);
  return [place, tell];
}

export const influencer: View = async (into, args, id) => {
  const chosen = args.get('range') ?? '1h';
  const span = await spanOf(chosen, id);
  const range = rangeOf(span, args.get('detail') === 'minutes');
  const start = Math.floor(Date.now() / 1000) - Math.min(span, kMonthSeconds);
  const [latest, data, both, missing, growth, signals, summary] = await Promise.all([
    get<Influencer>(`/api/v1/influencers/${id}`), series(id, range),
    orNothing(extremes(id, range)), orNothing(gapsIn(id, range)),
    orNothing(get<InfluencerGrowth>(`/api/v1/influencers/${id}/growth`)),
    orNothing(get<Signals>(`/api/v1/influencers/${id}/signals?start=${start}`)),
    orNothing(get<Summary>('/api/v1/summary'))]);
  const base = `#/influencer/${id}?`;
  const drawn = el('div');
  const [now, tell] = liveTiles(latest);
  into.replaceChildren(
    el('h1', {}, nameOf(latest)), now, ranges(base, chosen, [kAll]),
    details(`${base}range=${chosen}`, range, span), drawn,
    section('Growth', growthTable(growth)), words(latest, signals), links(id, range),
    valueTable(data));
  curves(drawn, {id, name: nameOf(latest), range, args, data, both, missing,
    marks: (signals?.findings ?? []).map((one) =>
      ({at: Date.parse(one.start) / 1000, why: one.evidence})),
    newest: summary?.minute ? Date.parse(summary.minute.minute) / 1000 : 0}, tell,
  () => void influencer(into, args, id));
};
