import {get, minutes as recent} from '../api';
import type {Minutes, Summary} from '../api';
import {age, el, number, percent, ratio, second, table, tile, time} from '../dom';
import {p99, rate, sample, sum} from '../metrics';
import type {Quantile, Sample} from '../metrics';
import {note, section} from './parts';
import type {View} from './parts';

const kHours = 4;

function grid(minutes: Minutes): HTMLElement {
  const cells = minutes.items.slice(-240).map((item) => {
    const level = !item.closed ? 'open' : item.coverage >= 0.999 ? 'full'
      : item.coverage >= 0.95 ? 'some' : 'low';
    return el('span', {class: `cell ${level}`,
      title: `${item.minute}: ${item.closed ? percent(item.coverage) : 'open'}`});
  });
  return el('div', {class: 'grid', role: 'img',
    'aria-label': 'Coverage by minute; the table below says the same'}, ...cells);
}

const pace = (value: number | null) => value === null ? '–'
  : `${value < 10 ? ratio(value) : number(value)}/s`;
const duration = (seconds: number | null) => seconds === null ? '–'
  : seconds < 1 ? `${number(seconds * 1000)} ms` : `${ratio(seconds)} s`;
const took = (one: Quantile | null) =>
  `${one?.is_over ? 'over ' : ''}${duration(one?.seconds ?? null)}`;

// Of this process: what it does not do has no metrics here.
function stageRows(before: Sample, now: Sample, data_age: number | null): string[][] {
  const errors = (...totals: (number | null)[]) =>
    number(totals.reduce((all: number, one) => all + (one ?? 0), 0));
  const oldest = (queue: string) => age(sum(now, 'ia_queue_oldest_seconds', RegExp(queue)));
  const per = (name: string, labels?: RegExp) => pace(rate(before, now, name, labels));
  const rows: [string, string, () => string[]][] = [
    ['Fetch', 'ia_fetch_requests_total', () => [per('ia_fetch_requests_total'),
      duration(sum(now, 'ia_fetch_reply_seconds', /0\.99/)),
      errors(sum(now, 'ia_fetch_missed_total'), sum(now, 'ia_fetch_retries_total')),
      oldest('influencer_id_store')]],
    ['Store', 'ia_points_stored_total', () => [per('ia_points_stored_total'),
      took(p99(before, now, 'ia_append_seconds')),
      errors(sum(now, 'ia_append_failures_total'), sum(now, 'ia_batches_buried_total')),
      oldest('influencer_data_points')]],
    ['Daily check', 'ia_checks_total', () => [per('ia_checks_total'),
      took(p99(before, now, 'ia_check_seconds')), errors(sum(now, 'ia_checks_total', /failed/)),
      age(sum(now, 'ia_check_oldest_verdict_seconds'))]],
    ['Leaderboard', 'ia_leaderboard_influencers', () => [
      per('ia_leaderboard_publish_seconds_count'),
      took(p99(before, now, 'ia_leaderboard_publish_seconds')), '–', age(data_age)]],
    ['Alerts', 'ia_alert_queue_length', () => [per('ia_alerts_fired_total'), '–',
      errors(sum(now, 'ia_alert_deliveries_total', /failed|gave|refused/)), '–']],
    ['API', 'ia_http_requests_total', () => [per('ia_http_requests_total'),
      took(p99(before, now, 'ia_http_request_seconds')),
      errors(sum(now, 'ia_http_requests_total', /"5/)), '–']]];
  return rows.flatMap(([name, sign, cells]) => sum(now, sign) === null ? [] : [[name, ...cells()]]);
}

let seen: Sample | null = null;  // when the view was last filled
let shown: Node[] = [];          // what it was filled with
const kApart = 2;
const kOld = 90;  // seconds

// Rates need two looks: the first view takes them apart, later ones compare with the one before.
async function fillStages(into: HTMLElement, summary: Summary): Promise<void> {
  const before = seen && Date.now() / 1000 - seen.at < kOld ? seen : await sample();
  const rest = kApart - (Date.now() / 1000 - before.at);
  if (rest > 0) await new Promise((resume) => { setTimeout(resume, rest * 1000); });
  const now = await sample();
  seen = now;
  shown = [
    table('Errors are since its start, the rest of the last moments',
      ['Stage', 'Rate', 'p99', 'Errors', 'Oldest'],
      stageRows(before, now, summary.data_age_seconds), 'named'),
    note('Of the process that shows this page; others tell theirs at their own /metrics.')];
  into.replaceChildren(...shown);
}

function workers(summary: Summary): HTMLElement {
  if (!summary.workers) return note('The store does not say now.');
  return table('The processes that are alive',
    ['Process', 'Stages', 'Requests to the network', 'Its share of the limit', 'Seen'],
    summary.workers.map((one) => [one.process, one.stage, number(one.upstream_requests),
      pace(one.upstream_share), second(one.seen_at)]), 'words');
}

function bill(summary: Summary): HTMLElement {
  const cost = summary.queue_bill;
  if (!cost && !summary.workers) return note('The store does not say now.');
  if (!cost) return note('The queues cost nothing: they are on this machine.');
  return el('div', {class: 'tiles'},
    tile('USD a day at list price', ratio(cost.usd_per_day)),
    tile('Requests a day', number(cost.requests_per_day)),
    tile('With one message an influencer', `${ratio(cost.message_each_usd_per_day)} USD`));
}

export const pipeline: View = async (into) => {
  const [summary, minutes] = await Promise.all(
    [get<Summary>('/api/v1/summary'), recent(kHours)]);
  const missed = new Map<string, number>();
  for (const item of minutes.items) {
    for (const [why, n] of Object.entries(item.missed)) missed.set(why, (missed.get(why) ?? 0) + n);
  }
  const queues = Object.entries(summary.queues).flatMap(([name, queue]) => queue
    ? [[name.replaceAll('_', ' '), number(queue.visible), number(queue.in_flight),
      number(queue.dead), age(queue.oldest_age_seconds)]] : []);
  const stored = summary.points_stored_last_minute;
  // What was shown stays until there is something new.
  const stages = el('div', {}, ...(shown.length > 0 ? shown : [note('Measuring…')]));
  into.replaceChildren(el('h1', {}, 'Pipeline'),
    el('div', {class: 'tiles'},
      tile('Points a second', stored === null ? '–' : number(stored / 60)),
      tile('Lag', age(summary.lag_seconds)), tile('Age of data', age(summary.data_age_seconds))),
    section('Stages', stages),
    section(`Minutes by coverage, last ${kHours} hours`, grid(minutes),
      el('p', {class: 'note'}, 'Solid: 99.9 % and more. Striped: 95 % and more. '
        + 'Framed: less. Dotted: still open.')),
    section(`Misses by reason, last ${kHours} hours`, missed.size === 0 ? note('None.')
      : table('Misses', ['Reason', 'Count'],
        [...missed].map(([why, n]) => [why.replaceAll('_', ' '), number(n)]), 'named')),
    section('Queues', queues.length === 0 ? note('This process does not know its queues.')
      : table('Messages', ['Queue', 'Visible', 'In flight', 'Dead', 'Oldest'], queues, 'named')),
    section('Queue bill', bill(summary)), section('Workers', workers(summary)),
    el('details', {}, el('summary', {}, 'Minutes as a table'), table('Minutes',
      ['Minute', 'Due', 'Stored', 'Missed', 'Coverage'],
      minutes.items.slice(-240).reverse().map((item) => [time(item.minute), number(item.due),
        number(item.stored), number(item.missed_total), percent(item.coverage)]))));
  void fillStages(stages, summary).catch(() => stages.replaceChildren(
    note('/metrics does not answer.')));
};
