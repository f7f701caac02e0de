import {get, minutes as recent} from '../api';
import type {Minute, Minutes, Summary} from '../api';
import {age, ago, el, number, percent, ratio, refill, second, table, tile, time} from '../dom';
import {saidReason, saidReasons} from '../gaps';
import {p99, rate, sample, sum} from '../metrics';
import type {Quantile, Sample} from '../metrics';
import {answered} from '../whole';
import {note, section} from './parts';
import type {Live, View} from './parts';

const kHours = 4;
const kMinuteMs = 60_000;
const kHourMs = 3_600_000;

// ---- minutes

const kLevels: [string, string][] = [['full', '≥\u00a099.9\u00a0%'], ['some', '≥\u00a095\u00a0%'],
  ['low', '<\u00a095\u00a0%'], ['open', 'In progress'], ['none', 'Nothing due']];

const levelOf = (item: Minute | undefined) => item?.lost ? 'low' : !item || item.due === 0 ? 'none'
  : !item.closed ? 'open' : answered(item) >= 0.999 ? 'full' : answered(item) >= 0.95 ? 'some' : 'low';

function saidMinute(at: number, item: Minute | undefined): (Node | string)[] {
  if (item?.lost) return [time(at), `: ${saidReason('damaged')}.`];
  if (!item || item.due === 0) return [time(at), ': nothing due.'];
  const missed = item.missed_total === 0 ? 'none missed'
    : `${number(item.missed_total)} missed: ${saidReasons(Object.keys(item.missed))}`;
  return [time(at), `: ${number(item.stored)} of ${number(item.due)} stored `
    + `(${percent(item.coverage)}), ${item.closed ? missed : `${number(item.open)} pending`}`
    + `${item.damaged ? `; ${saidReason('damaged')} for some` : ''}.`];
}

// An hour a row, a minute a cell, which says its account below when it is pointed at or come to by
// arrow keys; the one that is `told` goes on with the next grid.
interface Told { at: number | null }
function grid(minutes: Minutes, told: Told): HTMLElement {
  const known = new Map(minutes.items.map((item) => [Date.parse(item.minute), item]));
  const end = Math.floor(Date.now() / kHourMs) * kHourMs + kHourMs;
  const words = el('p', {class: 'note', 'aria-live': 'polite'}, 'Hover over a minute for '
    + 'details.');
  const cells = new Map<number, HTMLElement>();
  const tell = (at: number) => {
    if (told.at !== null) cells.get(told.at)?.classList.remove('chosen');
    cells.get(at)?.classList.add('chosen');
    told.at = at;
    words.replaceChildren(...saidMinute(at, known.get(at)));
  };
  const rows = Array.from({length: kHours + 1}, (_row, i) => {
    const begin = end - (kHours + 1 - i) * kHourMs;
    const row = Array.from({length: 60}, (_cell, minute) => {
      const at = begin + minute * kMinuteMs;
      const item = known.get(at);
      const made = el('span', {class: `cell ${at > Date.now() ? 'future' : levelOf(item)}`});
      if (at <= Date.now()) {
        made.addEventListener('pointerenter', () => tell(at));
        cells.set(at, made);
      }
      return made;
    });
    return el('div', {class: 'hour'}, time(begin), ...row);
  });
  const made = el('div', {class: 'grid', role: 'group', tabindex: '0',
    'aria-label': 'Coverage by minute. Arrow keys move through the minutes; see the table below'},
  ...rows);
  if (told.at !== null && cells.has(told.at)) tell(told.at);
  made.addEventListener('keydown', (event) => {
    const by = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -60, ArrowDown: 60}[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [first = 0] = cells.keys();
    const last = first + (cells.size - 1) * kMinuteMs;
    tell(Math.min(last, Math.max(first, (told.at ?? last) + by * kMinuteMs)));
  });
  const legend = el('p', {class: 'note legend'}, ...kLevels.flatMap(([level, words]) =>
    [el('span', {class: `cell ${level}`}), ` ${words} `]));
  return el('div', {}, el('div', {class: 'scroll'}, made), words, legend);
}

const minuteTable = (minutes: Minutes) => el('details', {}, el('summary', {}, 'Show as table'),
  table('Newest first', ['Minute', '#Due', '#Stored', '#Missed', '#Coverage', 'Reason'],
    minutes.items.slice(-240).reverse().map((item) => item.lost
      ? [time(item.minute), '–', '–', '–', '–', saidReason('damaged')]
      : [time(item.minute), number(item.due), number(item.stored), number(item.missed_total),
        percent(item.coverage),
        saidReasons([...Object.keys(item.missed), ...(item.damaged ? ['damaged'] : [])])])));

function misses(minutes: Minutes): HTMLElement {
  const counts = new Map<string, number>();
  for (const item of minutes.items.slice(-kHours * 60)) {
    for (const [why, n] of Object.entries(item.missed)) counts.set(why, (counts.get(why) ?? 0) + n);
  }
  if (counts.size === 0) return note('None missed.');
  const all = [...counts.values()].reduce((total, n) => total + n, 0);
  return table(`Last ${kHours} hours, most frequent first`, ['Reason', '#Missed', '#Share'],
    [...counts].sort(([, a], [, b]) => b - a).map(([why, n]) =>
      [saidReason(why), number(n), percent(n / all)]));
}

// The text is the network's, cut and made printable by the API; here it is but text, too.
function examples(summary: Summary): HTMLElement {
  const known = summary.failure_examples;
  if (!known) return note('This process sends no requests; fetchers log one example per reason.');
  if (known.length === 0) return note('No failed requests since start.');
  return el('div', {}, el('h3', {}, 'Latest failed request per reason'),
    el('ul', {class: 'examples'}, ...[...known].sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
      .map((one) => el('li', {}, `${saidReason(one.reason)}: `, second(one.at), ', influencer ',
        el('a', {href: `#/influencer/${one.influencer}`}, String(one.influencer)),
        one.status === null ? '' : `, HTTP ${one.status}`,
        `; ${number(one.count)} since start`,
        one.text ? el('code', {}, one.text) : ''))));
}

// ---- stages

const pace = (value: number | null) => value === null ? '–'
  : `${value < 10 ? ratio(value) : number(value)}/s`;
const duration = (seconds: number | null) => seconds === null ? '–'
  : seconds < 1 ? `${number(seconds * 1000)}\u00a0ms` : `${ratio(seconds)}\u00a0s`;
// Of a histogram, so a bound.
const took = (one: Quantile | null) => one === null ? '–'
  : `${one.is_over ? '> ' : '≤ '}${duration(one.seconds)}`;

// Of this process: what it does not do has no metrics here.
function stageRows(before: Sample, now: Sample, data_age: number | null): (Node | string)[][] {
  // A minute, and since the start.
  const errors = (...names: [string, RegExp?][]) => {
    const per_second = names.reduce((all, [name, labels]) =>
      all + (rate(before, now, name, labels) ?? 0), 0);
    const total = names.reduce((all, [name, labels]) => all + (sum(now, name, labels) ?? 0), 0);
    return el('span', {}, number(per_second * 60), el('span', {class: 'note'},
      ` / ${number(total)}`));
  };
  const oldest = (queue: string) => age(sum(now, 'ia_queue_oldest_seconds', RegExp(queue)));
  const per = (name: string, labels?: RegExp) => pace(rate(before, now, name, labels));
  const rows: [string, string, () => (Node | string)[]][] = [
    ['Fetch', 'ia_fetch_requests_total', () => [per('ia_fetch_requests_total'),
      duration(sum(now, 'ia_fetch_reply_seconds', /quantile="0.99"/)),
      errors(['ia_fetch_missed_total'], ['ia_fetch_retries_total']),
      oldest('influencer_id_store')]],
    ['Store', 'ia_points_stored_total', () => [per('ia_points_stored_total'),
      took(p99(before, now, 'ia_append_seconds')),
      errors(['ia_append_failures_total'], ['ia_batches_buried_total']),
      oldest('influencer_data_points')]],
    ['Daily check', 'ia_checks_total', () => [per('ia_checks_total'),
      took(p99(before, now, 'ia_check_seconds')), errors(['ia_checks_total', /failed/]),
      age(sum(now, 'ia_check_oldest_verdict_seconds'))]],
    ['Leaderboard', 'ia_leaderboard_influencers', () => [
      per('ia_leaderboard_publish_seconds_count'),
      took(p99(before, now, 'ia_leaderboard_publish_seconds')), '–', age(data_age)]],
    ['Alerts', 'ia_alert_queue_length', () => [per('ia_alerts_fired_total'), '–',
      errors(['ia_alert_deliveries_total', /failed|gave|refused/]), '–']],
    ['API', 'ia_http_requests_total', () => [per('ia_http_requests_total'),
      took(p99(before, now, 'ia_http_request_seconds')),
      errors(['ia_http_requests_total', /"5/]), '–']]];
  return rows.flatMap(([name, sign, cells]) => sum(now, sign) === null ? [] : [[name, ...cells()]]);
}

let seen: Sample[] = [];  // of the last minutes, the newest last
const kApart = 2;
const kOld = 90;  // seconds

// Chunks are compressed some three hours after their end.
const kUncompressedMax = 6 * 3600;

function jobsNote(now: Sample): HTMLElement[] {
  const failed = sum(now, 'ia_store_failed_jobs') ?? 0;
  const waiting = sum(now, 'ia_store_uncompressed_seconds') ?? 0;
  if (failed === 0 && waiting < kUncompressedMax) return [];
  return [note(`TimescaleDB: ${number(failed)} jobs failed on their last run; the oldest complete `
    + `chunk has waited ${age(waiting)} for compression. Run doctor for details.`)];
}

// Rates need two looks: the first view takes them a bit apart, later ones compare with a minute
// before.
async function measured(data_age: number | null): Promise<Node[]> {
  const since = (one: Sample) => Date.now() / 1000 - one.at;
  seen = seen.filter((one) => since(one) < kOld);
  const before = seen[0] ?? await sample();
  if (seen.length === 0) seen = [before];
  const rest = kApart - since(before);
  if (rest > 0) await new Promise((resume) => { setTimeout(resume, rest * 1000); });
  const now = await sample();
  seen.push(now);
  return [
    table(`Last ${age(now.at - before.at)}. Errors: per minute / since start`,
      ['Stage', '#Rate', '#p99', '#Errors', '#Oldest'], stageRows(before, now, data_age)),
    ...jobsNote(now),
    note('This process only. Other processes report at their own /metrics.')];
}

// ---- queues

function queueTable(summary: Summary): HTMLElement {
  const queues = Object.entries(summary.queues).flatMap(([name, queue]) => queue
    ? [[name.replaceAll('_', ' '), number(queue.visible), number(queue.in_flight),
      number(queue.dead), age(queue.oldest_age_seconds)]] : []);
  return queues.length === 0 ? note('Queue depths are not available in this process.')
    : table('Messages', ['Queue', '#Visible', '#In flight', '#Dead', '#Oldest'], queues);
}

function workers(summary: Summary): HTMLElement {
  if (!summary.workers) return note('Not available right now.');
  return table('Running processes',
    ['Process', 'Stages', '#Requests to the network', '#Share of rate limit', 'Last seen'],
    summary.workers.map((one) => [one.process, one.stage, number(one.upstream_requests),
      pace(one.upstream_share), second(one.seen_at)]), 'words');
}

function bill(summary: Summary): HTMLElement {
  const cost = summary.queue_bill;
  if (!cost && !summary.workers) return note('Not available right now.');
  if (!cost) return note('No cost: the queues run on this machine.');
  return el('div', {class: 'tiles'},
    tile('USD per day at list price', ratio(cost.usd_per_day)),
    tile('Requests per day', number(cost.requests_per_day)),
    tile('USD per day with one message per influencer', ratio(cost.message_each_usd_per_day)));
}

// ---- the view

function tiles(summary: Summary): HTMLElement[] {
  const stored = summary.points_stored_last_minute;
  return [tile('Points per second', stored === null ? '–' : number(stored / 60)),
    tile('Lag since last complete minute', age(summary.lag_seconds)),
    tile('Last updated', ago(summary.data_age_seconds)),
    tile('Coverage, last minute', summary.minute ? percent(summary.minute.coverage) : '–')];
}

export const pipeline: View = async (into): Promise<Live> => {
  let [summary, minutes] = await Promise.all(
    [get<Summary>('/api/v1/summary'), recent(kHours + 1)]);
  const told: Told = {at: null};
  const shown = el('div', {class: 'tiles'}, ...tiles(summary));
  const [stages, cells, reasons, failed, queues, cost, alive, listed] =
    Array.from({length: 8}, () => el('div')) as [HTMLElement, HTMLElement, HTMLElement,
      HTMLElement, HTMLElement, HTMLElement, HTMLElement, HTMLElement];
  const measure = () => measured(summary.data_age_seconds).then(
    (made) => refill(stages, ...made), () => refill(stages, note('/metrics is not responding.')));
  const fillSummary = () => {
    refill(shown, ...tiles(summary));
    refill(failed, examples(summary));
    refill(queues, queueTable(summary));
    refill(cost, bill(summary));
    refill(alive, workers(summary));
  };
  const fillMinutes = () => {
    refill(cells, grid(minutes, told));
    refill(reasons, misses(minutes));
    refill(listed, minuteTable(minutes));
  };
  fillSummary();
  fillMinutes();
  stages.append(note('Measuring…'));
  into.replaceChildren(el('h1', {}, 'Pipeline'), shown,
    el('div', {class: 'split'},
      el('div', {}, section('Stages', stages), section('Coverage by minute', cells, listed)),
      el('div', {}, section('Missed by reason', reasons, failed), section('Queues', queues),
        section('Queue cost', cost))),
    section('Workers', alive));
  void measure();
  return {
    summary: (now) => { summary = now; fillSummary(); },
    minute: async () => { minutes = await recent(kHours + 1); fillMinutes(); },
    often: measure};
};
