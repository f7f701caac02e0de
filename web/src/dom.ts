const whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const two = new Intl.NumberFormat('en', {minimumFractionDigits: 2, maximumFractionDigits: 2});
const compactFormat = new Intl.NumberFormat('en', {notation: 'compact', maximumFractionDigits: 2});
const clock = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit'});
const exactClock = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit'});

export const number = (value: number | null) => value === null ? '–' : whole.format(value);
export const ratio = (value: number | null) => value === null ? '–' : two.format(value);
export const compact = (value: number) => compactFormat.format(value);
// Rounded down: 100 % means all.
export const percent = (part: number) => `${(Math.floor(part * 1000) / 10).toFixed(1)} %`;

export function age(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

type Child = Node | string;

export function el(name: string, attributes: Record<string, string> = {}, ...children: Child[]) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Local time, with UTC on hover.
function local(at: string | number, format: Intl.DateTimeFormat): HTMLElement {
  const utc = new Date(at).toISOString();
  return el('time', {datetime: utc, title: `${utc} (UTC)`}, format.format(new Date(at)));
}
export const time = (at: string | number) => local(at, clock);
export const second = (at: string | number) => local(at, exactClock);

export const tile = (label: string, ...value: Child[]) =>
  el('div', {class: 'tile'}, el('span', {}, label), el('strong', {}, ...value));

// Of kind "words" it becomes a list of cards on a phone; the roles are said as styles take them.
export function table(
    caption: string, heads: string[], rows: Child[][], kind = ''): HTMLElement {
  const row = (...cells: Child[]) => el('tr', {role: 'row'}, ...cells);
  const head = row(...heads.map((text) => el('th', {scope: 'col', role: 'columnheader'}, text)));
  const body = rows.map((cells) => row(...cells.map((cell, i) =>
    el('td', {role: 'cell', 'data-head': heads[i] ?? ''}, cell))));
  return el('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption},
    el('table', {class: kind, role: 'table'}, el('caption', {}, caption),
      el('thead', {role: 'rowgroup'}, head), el('tbody', {role: 'rowgroup'}, ...body)));
}

// As long as the element is on the page, from when it is.
export function everySecond(element: HTMLElement, act: () => void): void {
  let was_there = false;
  const timer = setInterval(() => {
    if (element.isConnected) act();
    else if (was_there) clearInterval(timer);
    was_there = element.isConnected;
  }, 1000);
}

export const button = (text: string, act: () => void) => {
  const made = el('button', {type: 'button'}, text);
  made.addEventListener('click', act);
  return made;
};
