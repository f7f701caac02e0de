import type {Values} from './api';

const kWidth = 96;
const kHeight = 24;
const kSvg = 'http://www.w3.org/2000/svg';

// A small line; a gap is a gap.
export function spark(into: HTMLElement, values: Values, label: string): void {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return;
  const least = Math.min(...known);
  const span = Math.max(...known) - least || 1;
  let path = '';
  let is_open = false;
  values.forEach((value, i) => {
    if (value === null) { is_open = false; return; }
    const x = (i / (values.length - 1) * (kWidth - 2) + 1).toFixed(1);
    const y = (kHeight - 2 - (value - least) / span * (kHeight - 4)).toFixed(1);
    path += `${is_open ? 'L' : 'M'}${x} ${y}`;
    is_open = true;
  });
  const svg = document.createElementNS(kSvg, 'svg');
  const line = document.createElementNS(kSvg, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  for (const [name, value] of Object.entries({width: String(kWidth), height: String(kHeight),
    role: 'img', 'aria-label': label})) svg.setAttribute(name, value);
  into.replaceChildren(svg);
}
