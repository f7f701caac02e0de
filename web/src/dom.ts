const kMinus = '\u2212';
const kNarrow = '\u00a0';  // does not break
const whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const two = new Intl.NumberFormat('en', {minimumFractionDigits: 2, maximumFractionDigits: 2});
const compactFormat = new Intl.NumberFormat('en', {notation: 'compact', maximumFractionDigits: 2});
const hour = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit'});
const clock = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit'});
const longAgo = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit'});
const exactClock = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit'});

const minus = (text: string) => text.replace('-', kMinus);
export const number = (value: number | null) => value === null ? '–' : minus(whole.format(value));
export const ratio = (value: number | null) => value === null ? '–' : minus(two.format(value));
export const compact = (value: number) => minus(compactFormat.format(value));
const kDigitsMost = 9;
// Short labels for an axis' marks: with as many digits as it takes to tell them apart.
export function labels(values: readonly number[]): string[] {
  const different = new Set(values).size;
  for (const notation of ['compact', 'standard'] as const) {
    for (let digits = 2; digits <= (notation === 'compact' ? 2 : kDigitsMost); ++digits) {
      const format = new Intl.NumberFormat('en', {notation, maximumFractionDigits: digits});
      const made = values.map((value) => minus(format.format(value)));
      if (new Set(made).size === different) return made;
    }
  }
  return values.map((value) => minus(String(value)));
}
// Rounded down: 100 % means all.
export const percent = (part: number) =>
  `${(Math.floor(part * 1000) / 10).toFixed(1)}${kNarrow}%`;
export const signed = (value: number) => `${value > 0 ? '+' : ''}${number(value)}`;
export const signedPercent = (value: number | null) =>
  value === null ? '–' : `${value > 0 ? '+' : ''}${ratio(value)}${kNarrow}%`;

export function age(seconds: number | null): string {
  if (seconds === null) return '–';
  const [count, unit] = seconds < 120 ? [seconds, 's'] : seconds < 7200 ? [seconds / 60, 'min']
    : [seconds / 3600, 'h'];
  return `${Math.round(count)}${kNarrow}${unit}`;
}
export const ago = (seconds: number | null) =>
  seconds === null ? '–' : `${age(seconds)}${kNarrow}ago`;

export type Child = Node | string;

export function el(name: string, attributes: Record<string, string> = {}, ...children: Child[]) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// A sentence in which no name breaks at its hyphen, nor a number before its percent sign.
export const unbroken = (sentence: string): Child[] =>
  sentence.replaceAll(' %', `${kNarrow}%`).split(/(\S+-\S+)/).map(
    (part, i) => i % 2 === 1 ? el('span', {class: 'unbroken'}, part) : part);

// Local time, with UTC on hover; the day where it is not today, the year where it is another.
export const utc = (at: string | number) =>
  `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
function local(at: string | number, format: Intl.DateTimeFormat): HTMLElement {
  return el('time', {datetime: new Date(at).toISOString(), title: utc(at)},
    format.format(new Date(at)));
}
const isToday = (at: string | number) =>
  new Date(at).toDateString() === new Date().toDateString();
const isThisYear = (at: string | number) =>
  new Date(at).getFullYear() === new Date().getFullYear();
export const time = (at: string | number) =>
  local(at, isToday(at) ? hour : isThisYear(at) ? clock : longAgo);
export const second = (at: string | number) => local(at, exactClock);

export const tile = (label: string, ...value: Child[]) =>
  el('div', {class: 'tile'}, el('span', {}, label), el('strong', {}, ...value));

// The head of a column. A number's begins with '#', and its column is set to the right.
export interface Head { text: string; shown: Child; sort?: 'ascending' | 'descending' | 'none' }
const headOf = (head: string | Head): Head & {is_number: boolean} => {
  const {text, ...rest} = typeof head === 'string' ? {text: head, shown: ''} : head;
  const is_number = text.startsWith('#');
  const bare = is_number ? text.slice(1) : text;
  return {...rest, text: bare, shown: rest.shown || bare, is_number};
};

// Of kind "words" it becomes a list of cards on a phone; the roles are said as styles take them.
export function table(
    caption: string, heads: (string | Head)[], rows: Child[][], kind = ''): HTMLElement {
  const columns = heads.map(headOf);
  const row = (...cells: Child[]) => el('tr', {role: 'row'}, ...cells);
  const head = row(...columns.map(({shown, sort, is_number}) => el('th', {
    scope: 'col', role: 'columnheader', ...(is_number ? {class: 'n'} : {}),
    ...(sort ? {'aria-sort': sort} : {})}, shown)));
  const body = rows.map((cells) => row(...cells.map((cell, i) => el('td', {
    role: 'cell', 'data-head': columns[i]?.text ?? '',
    ...(columns[i]?.is_number ? {class: 'n'} : {})}, cell))));
  return el('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption},
    el('table', {class: kind, role: 'table'}, el('caption', {}, caption),
      el('thead', {role: 'rowgroup'}, head), el('tbody', {role: 'rowgroup'}, ...body)));
}

// As long as the element is on the page, where it comes within a second.
export function everySecond(element: HTMLElement, act: () => void): void {
  const timer = setInterval(() => {
    if (element.isConnected) act();
    else clearInterval(timer);
  }, 1000);
}

export const button = (text: string, act: () => void) => {
  const made = el('button', {type: 'button'}, text);
  made.addEventListener('click', act);
  return made;
};

const nameOf = (one: Element) => [one.getAttribute('href'), one.getAttribute('aria-describedby'),
  one.getAttribute('aria-label') ?? one.textContent].join();
const kPlaced = ['summary', '.scroll'];
const opened = (into: Element) => [...into.querySelectorAll('details')];

// What is opened or scrolled is known by its place, as its words may be newer ones; all else by
// what it says, and of whom.
function alike(into: Element, one: Element): HTMLElement[] {
  const placed = kPlaced.find((kind) => one.matches(kind));
  const all = [...into.querySelectorAll<HTMLElement>(placed ?? one.tagName)];
  return placed ? all : all.filter((other) => nameOf(other) === nameOf(one));
}

// Puts something newer in the place of what is there. Whoever reads it keeps the focus, what was
// opened, and how far a table was scrolled.
export function refill(into: HTMLElement, ...children: Child[]): void {
  const held = document.activeElement as HTMLElement;
  const place = alike(into, held).indexOf(held);
  const open = opened(into).map((one) => one.open);
  const lefts = [...into.querySelectorAll('.scroll')].map((one) => one.scrollLeft);
  into.replaceChildren(...children);
  opened(into).forEach((one, i) => { if (open[i]) one.open = true; });
  into.querySelectorAll('.scroll').forEach((one, i) => { one.scrollLeft = lefts[i] ?? 0; });
  if (place >= 0) alike(into, held)[place]?.focus({preventScroll: true});
}
