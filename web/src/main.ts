import 'uplot/dist/uPlot.min.css';
import './style.css';
import type {Summary} from './api';
import {age, button, el, number} from './dom';
import {listen, watch, watches} from './live';
import {alerts} from './views/alerts';
import {compare} from './views/compare';
import {influencer} from './views/influencer';
import {leaderboard} from './views/leaderboard';
import {overview} from './views/overview';
import type {View} from './views/parts';
import {pipeline} from './views/pipeline';

const kPollMs = 10_000;
const kMissedMs = 60_000;
const kLateSeconds = 150;  // an age of data that deserves attention

const views: Record<string, View> =
  {'': overview, leaderboard, influencer, compare, alerts, pipeline};
const at = (id: string) => document.getElementById(id) as HTMLElement;
let shown = 0;

function mark(path: string): void {
  for (const link of document.querySelectorAll('nav a')) {
    if (link.getAttribute('href') === `#/${path}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

// Shows what the address names; an answer that comes after the next address is dropped. Quietly:
// what is shown stays until there is something new.
async function show(quietly = false): Promise<void> {
  const turn = ++shown;
  const [path = '', query = ''] = location.hash.replace(/^#\//, '').split('?');
  const [name = '', id = ''] = path.split('/');
  const view = Object.hasOwn(views, name) ? views[name] : undefined;
  const page = el('div', {class: 'page'});
  mark(name);
  const place = () => { if (turn === shown && !page.isConnected) at('main').replaceChildren(page); };
  if (!quietly) at('main').setAttribute('aria-busy', 'true');
  try {
    if (!view) throw new Error('There is no such view.');
    if (!quietly) {
      place();
      page.append(el('p', {class: 'note'}, 'Loading…'));
    }
    await view(page, new URLSearchParams(query), encodeURIComponent(id));
    place();
  } catch (error) {
    if (quietly) return;  // the status line says so
    page.replaceChildren(el('h1', {}, 'This cannot be shown'),
      el('p', {class: 'note', role: 'alert'}, error instanceof Error ? error.message : 'Unknown'),
      button('Try again', () => void show()));
    place();
  }
  if (turn !== shown) return;
  at('main').removeAttribute('aria-busy');
  document.title = `${page.querySelector('h1')?.textContent ?? ''} – Influencer Analytics`;
}

// Some views follow what happens, unless somebody is reading with the keyboard.
function follow(paths: string[]): void {
  const path = location.hash.replace(/^#\/?/, '').replace(/\?rule=\d+$/, '');
  const held = document.activeElement;
  const is_read = document.hidden || (held !== at('main') && at('main').contains(held));
  if (paths.includes(path) && !is_read) void show(true);
}

let newest = '';  // minute that is complete

function tell(summary: Summary): void {
  const old = summary.data_age_seconds;
  at('status').textContent = old === null ? 'Waiting for the first values'
    : old > kLateSeconds ? 'Stale: no new values' : 'Live';
  const stored = summary.points_stored_last_minute;
  at('facts').textContent = `age ${age(old)} · lag ${age(summary.lag_seconds)} · `
    + `${stored === null ? '–' : number(stored / 60)} points/s · ${summary.version}`;
  const minute = summary.minute?.minute ?? '';
  if (minute !== newest && newest !== '') follow(['', 'pipeline']);
  newest = minute;
}

const lost = () => { at('status').textContent = 'No connection; what is shown may be old'; };

function setTheme(theme: string): void {
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem('theme', theme); } catch { /* Storage may be forbidden. */ }
}

function storedTheme(): string | null {
  try { return localStorage.getItem('theme'); } catch { return null; }
}

at('theme').addEventListener('click', () => {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;
  setTheme(dark ? 'light' : 'dark');
  if (document.querySelector('canvas')) void show();  // its colours are drawn
});
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
addEventListener('hashchange', () => { at('main').focus(); watch(null); void show(); });
// What came while nobody looked is not told again.
let hidden_at = 0;
document.addEventListener('visibilitychange', () => {
  if (document.hidden) hidden_at = Date.now();
  else if (Date.now() - hidden_at > kMissedMs && watches()) void show(true);
});

const theme = storedTheme();
if (theme) document.documentElement.dataset.theme = theme;
void show();
listen({summary: tell, lost}, kPollMs);
setInterval(() => follow(['alerts']), kPollMs);
