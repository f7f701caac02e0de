import {get, minutes as recent} from '../api';
import type {Minutes, Summary} from '../api';
import {age, el, number, percent, table, tile, time} from '../dom';
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
  into.replaceChildren(el('h1', {}, 'Pipeline'),
    el('div', {class: 'tiles'},
      tile('Points a second', stored === null ? '–' : number(stored / 60)),
      tile('Lag', age(summary.lag_seconds)), tile('Age of data', age(summary.data_age_seconds))),
    section(`Minutes by coverage, last ${kHours} hours`, grid(minutes),
      el('p', {class: 'note'}, 'Solid: 99.9 % and more. Striped: 95 % and more. '
        + 'Framed: less. Dotted: still open.')),
    section(`Misses by reason, last ${kHours} hours`, missed.size === 0 ? note('None.')
      : table('Misses', ['Reason', 'Count'],
        [...missed].map(([why, n]) => [why.replaceAll('_', ' '), number(n)]))),
    section('Queues', queues.length === 0 ? note('This process does not know its queues.')
      : table('Messages', ['Queue', 'Visible', 'In flight', 'Dead', 'Oldest'], queues)),
    el('details', {}, el('summary', {}, 'Minutes as a table'), table('Minutes',
      ['Minute', 'Due', 'Stored', 'Missed', 'Coverage'],
      minutes.items.slice(-240).reverse().map((item) => [time(item.minute), number(item.due),
        number(item.stored), number(item.missed_total), percent(item.coverage)]))));
};
