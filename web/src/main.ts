import 'uplot/dist/uPlot.min.css';
import './style.css';
import {Problem} from './api';
import type {Queue, Summary} from './api';
import {ago, button, el, everySecond, number, refill} from './dom';
import {listen, silence, watch} from './live';
import {theme} from './theme';
import {alerts} from './views/alerts';
import {compare} from './views/compare';
import {influencer} from './views/influencer';
import {leaderboard} from './views/leaderboard';
import {overview} from './views/overview';
import type {Live, View} from './views/parts';
import {pipeline} from './views/pipeline';
import {isWhole} from './whole';

const kOftenMs = 10_000;
const kMissedMs = 60_000;
const kLateSeconds = 90;   // an age of data that deserves attention

const views: Record<string, View> =
  {'': overview, leaderboard, influencer, compare, alerts, pipeline};
const at = (id: string) => document.getElementById(id) as HTMLElement;
let shown = 0;       // turns: an answer that comes after the next address is dropped
let is_shown = '';   // view and influencer
let has_failed = false;  // for want of an answer
let live: Live = {};

function mark(path: string): void {
  const nav = document.querySelector('nav') as HTMLElement;
  for (const link of nav.querySelectorAll('a')) {
    if (link.getAttribute('href') === `#/${path}`) {
      link.setAttribute('aria-current', 'page');
      nav.scrollLeft = link.offsetLeft - nav.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2;
    } else link.removeAttribute('aria-current');
  }
}

function failure(error: unknown): HTMLElement[] {
  const refused = error instanceof Problem && error.status >= 400 && error.status < 500;
  has_failed = !refused;
  const said = error instanceof Error ? error.message : 'Unknown error.';
  return [el('h1', {}, 'Page not available'), el('p', {role: 'alert'}, said),
    refused ? el('p', {class: 'tools'},
      el('a', {class: 'button', href: '#/'}, 'Overview'),
      el('a', {class: 'button', href: '#/leaderboard'}, 'Leaderboard'))
      : el('p', {class: 'tools'}, button('Try again', () => void show()),
        el('span', {class: 'note'}, 'Reloads when the server responds.'))];
}

// Shows what the address names. What is there stays until there is something new, where it is of
// the same view.
async function show(): Promise<void> {
  const turn = ++shown;
  const [path = '', query = ''] = location.hash.replace(/^#\//, '').split('?');
  const [name = '', id = ''] = path.split('/');
  const view = Object.hasOwn(views, name) ? views[name] : undefined;
  const page = el('div', {class: 'page'});
  mark(name);
  const place = () => { if (!page.isConnected) refill(at('main'), page); };
  at('main').setAttribute('aria-busy', 'true');
  live = {};
  has_failed = false;
  const is_new = path !== is_shown;
  if (is_new) {
    page.append(el('p', {class: 'note'}, 'Loading…'));
    place();
  }
  const isOver = () => turn !== shown;
  const again = () => { if (!isOver()) void show(); };
  let made: Live = {};
  try {
    if (!view) throw new Problem(404, 'Page not found.');
    made = await view(page, new URLSearchParams(query), encodeURIComponent(id), {isOver, again})
      ?? {};
  } catch (error) {
    if (!isOver()) page.replaceChildren(...failure(error));
  }
  if (isOver()) return;
  place();
  is_shown = path;
  live = made;
  at('main').removeAttribute('aria-busy');
  document.title = `${page.querySelector('h1')?.textContent ?? ''} – Influencer Analytics`;
  const left_at = (history.state as {y?: number} | null)?.y;
  scrollTo(0, left_at ?? (is_new ? 0 : scrollY));
}

// One at a time; the status line says when there is no answer.
let is_refreshing = false;
async function refresh(how: (() => Promise<void>) | undefined): Promise<void> {
  if (!how || is_refreshing || document.hidden) return;
  is_refreshing = true;
  await how().catch(() => { /* Another time. */ });
  is_refreshing = false;
}

let known: Summary | null = null;

const isEmpty = (queue: Queue | null | undefined): boolean =>
  !!queue && queue.visible + queue.in_flight + queue.delayed === 0;

// Sign, word and kind: how far what is shown can be believed.
function state(): [string, string, string] {
  const {seconds, is_lost} = silence();
  if (!known) return is_lost ? ['✕', 'No response', 'lost'] : ['…', 'Connecting', 'late'];
  if (is_lost) return ['✕', 'No response: data may be outdated', 'lost'];
  if (isEmpty(known.queues.influencer_id_store)) {
    return ['▲', 'Id queue empty: nothing is being fetched', 'late'];
  }
  const old = known.data_age_seconds;
  if (old === null) return ['…', 'Waiting for first values', 'late'];
  if (old + seconds > kLateSeconds) return ['▲', 'Stale: no new values', 'late'];
  const {minute} = known;
  return minute && !isWhole(minute) ? ['▲', 'Live, but incomplete', 'late']
    : ['●', 'Live', 'live'];
}

function tellState(): void {
  const [sign, word, kind] = state();
  const place = at('status');
  const text = `${sign} ${word}`;
  if (place.textContent !== text) place.textContent = text;
  document.body.dataset.state = kind;
  if (!known) return;
  const {seconds} = silence();
  const since = (value: number | null) => ago(value === null ? null : value + seconds);
  const stored = known.points_stored_last_minute;
  at('facts').textContent = `Last updated ${since(known.data_age_seconds)} · last complete minute `
    + `${since(known.lag_seconds)} (lag) · ${stored === null ? '–' : number(stored / 60)} `
    + `points/s · version ${known.version}`;
}

function tell(summary: Summary): void {
  const before = known;
  known = summary;
  tellState();
  live.summary?.(summary);
  if (has_failed) return void show();
  if (before && before.minute?.minute !== summary.minute?.minute) void refresh(live.minute);
}

at('search').addEventListener('submit', (event) => {
  event.preventDefault();
  const query = (at('query') as HTMLInputElement).value.trim();
  location.hash = query ? `#/leaderboard?q=${encodeURIComponent(query)}` : '#/leaderboard';
});
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey) return;
  if ((event.target as Element).closest('input, textarea, select, dialog')) return;
  event.preventDefault();
  at('query').focus();
});
addEventListener('hashchange', () => {
  at('main').focus({preventScroll: true});
  watch(null);
  void show();
});

// Back goes to where it was left.
history.scrollRestoration = 'manual';
let rest = 0;
addEventListener('scroll', () => {
  clearTimeout(rest);
  rest = setTimeout(() => {
    if (at('main').hasAttribute('aria-busy')) return;
    history.replaceState({...history.state as object, y: scrollY}, '');
  }, 150);
});

// What somebody typed or ticked would be lost.
const isEdited = () => [...at('main').querySelectorAll<HTMLInputElement>('input, textarea')].some(
  (one) => one.matches('[type=radio], [type=checkbox]') ? one.checked !== one.defaultChecked
    : one.value !== one.defaultValue)
  || [...at('main').querySelectorAll('option')].some((one) => one.selected !== one.defaultSelected);

// What came while nobody looked is not told again.
let hidden_at = 0;
document.addEventListener('visibilitychange', () => {
  if (document.hidden) hidden_at = Date.now();
  else if (hidden_at > 0 && Date.now() - hidden_at > kMissedMs && !isEdited()) void show();
});

// The colours of charts are drawn.
theme(at('theme'), () => { if (document.querySelector('canvas')) void show(); });
void show();
listen(tell);
everySecond(document.body, tellState);
setInterval(() => void refresh(live.often), kOftenMs);
