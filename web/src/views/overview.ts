import {get, minutes as recent} from '../api';
import type {Minutes, Movers, Summary, Suspicious} from '../api';
import {chart, filled} from '../chart';
import {compact, el, number, percent, ratio, table, tile, time} from '../dom';
import {choices, link, movers, note, plotBox, section, standings} from './parts';
import type {View} from './parts';

const kListed = 5;
const kHours = 6;

function averageChart(into: HTMLElement, minutes: Minutes): void {
  const closed = minutes.items.filter((item) => item.closed);
  const [times, [average = [], coverage = []]] = filled(
    closed.map((item) => Date.parse(item.minute) / 1000),
    [closed.map((item) => item.followers_average),
      closed.map((item) => item.coverage * 100)], 60);
  chart(into, {label: 'Average followers and coverage, by minute', times, height: 260, lines: [
    {label: 'Average followers', values: average},
    {label: 'Coverage %', values: coverage, scale: '%', fill: true}]});
}

// Who rose and who fell most, of a window whose beginning is known.
async function growth(summary: Summary, chosen: string): Promise<HTMLElement> {
  const known = Object.keys(summary.movers_since).filter((name) => summary.movers_since[name]);
  const window = known.includes(chosen) ? chosen : known[0];
  if (!window) return section('Risers and fallers', note('Known a minute or two after the start.'));
  const path = `/api/v1/movers?window=${window}&limit=${kListed}&direction=`;
  const [up, down] = await Promise.all([get<Movers>(`${path}up`), get<Movers>(`${path}down`)]);
  const since = el('p', {class: 'note'}, 'Since ', time(up.since),
    up.complete ? '' : ', as far back as there are values',
    `; ${number(up.compared)} compared.`);
  return section('Risers and fallers',
    choices('Window', known, window, (name) => `#/?window=${name}`), since,
    el('div', {class: 'halves'}, movers('Risers', up.items), movers('Fallers', down.items)));
}

async function suspicious(summary: Summary): Promise<HTMLElement[]> {
  if (!summary.verdicts || summary.verdicts.suspicious === 0) return [];
  const newest = await get<Suspicious>(`/api/v1/verdicts?limit=${kListed}`);
  return [section('Newly suspicious', table('By the network’s word', [
    'Since', 'Influencer', 'Followers', 'Following', 'Ratio'],
    newest.items.map((item) => [time(item.changed_at), link(item),
      number(item.judged_follower_count), number(item.judged_following_count),
      ratio(item.judged_follower_ratio)])))];
}

function verdictTile(summary: Summary): HTMLElement[] {
  const verdicts = summary.verdicts;
  if (!verdicts) return [];
  const share = verdicts.suspicious_share === null ? '–' : percent(verdicts.suspicious_share);
  const made = tile('Suspicious of those checked', share);
  made.append(el('span', {},
    `${number(verdicts.checked)} of ${number(summary.registered)} checked`));
  return [made];
}

export const overview: View = async (into, args) => {
  const [summary, minutes] = await Promise.all(
    [get<Summary>('/api/v1/summary'), recent(kHours)]);
  const [growing, marked] = await Promise.all(
    [growth(summary, args.get('window') ?? '1h'), suspicious(summary)]);
  const minute = summary.minute;
  const box = plotBox();
  into.replaceChildren(
    el('h1', {}, 'Overview'),
    el('div', {class: 'tiles'},
      tile('Average followers', number(summary.followers_average)),
      tile('Median followers', number(summary.followers_median)),
      tile('All followers', compact(summary.followers_total)),
      tile('Influencers with a value', number(summary.with_value)),
      tile('Coverage of the last minute', minute ? percent(minute.coverage) : '–'),
      ...verdictTile(summary)),
    section(`Average followers, last ${kHours} hours`, box),
    growing, ...marked,
    section('Top 10', standings('Most followers', summary.top)));
  if (minutes.items.some((item) => item.closed)) averageChart(box, minutes);
  else box.append(note('No minute is complete yet. The first one takes a minute or two.'));
};
