import {button, el} from './dom';

export interface Bounds { from: number; to: number }  // epoch seconds

const kLeast = 300;
const kRestMs = 300;

// A single value needs room around it.
const roomy = ({from, to}: Bounds): Bounds => ({from: Math.min(from, to - kLeast), to});

// The stretch of time that the charts of a page show together. Whoever moves it as often as the
// pointer does has the charts drawn once a frame; the address has it once it rests.
export class Stretch {
  private static made = 0;
  private static rest = 0;
  readonly name = `stretch-${++Stretch.made}`;
  private readonly charts: ((shown: Bounds) => void)[] = [];
  private frame = 0;
  private address = location.hash;

  // A page has one: what an older one has not written yet is of no use.
  constructor(private all: Bounds, private shown: Bounds, private readonly args: URLSearchParams) {
    clearTimeout(Stretch.rest);
  }

  get bounds(): Bounds { return this.shown; }

  // Draws it now, and at every change.
  follow(draw: (shown: Bounds) => void): void {
    this.charts.push(draw);
    draw(this.shown);
  }

  show(from: number, to: number): void {
    const span = Math.min(this.all.to - this.all.from, Math.max(kLeast, to - from));
    const start = Math.min(Math.max(from, this.all.from), this.all.to - span);
    if (start === this.shown.from && start + span === this.shown.to) return;
    this.shown = {from: start, to: start + span};
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
    clearTimeout(Stretch.rest);
    Stretch.rest = setTimeout(() => this.write(), kRestMs);
  }

  move(part: number): void {
    const by = (this.shown.to - this.shown.from) * part;
    this.show(this.shown.from + by, this.shown.to + by);
  }

  zoom(factor: number): void {
    const half = (this.shown.to - this.shown.from) / 2;
    const middle = this.shown.from + half;
    this.show(middle - half * factor, middle + half * factor);
  }

  // There is more, and perhaps less at the beginning: whoever looks at the end goes with it. Draws.
  reach(all: Bounds): void {
    const was = this.all;
    const shown = this.shown;
    this.all = roomy(all);
    if (shown.from <= was.from && shown.to >= was.to) this.shown = this.all;
    else if (shown.to >= was.to) this.shown = {from: shown.from + all.to - was.to, to: all.to};
    this.draw();
  }

  // Something else than its bounds has changed.
  redraw(): void { this.draw(); }

  reset(): void { this.show(this.all.from, this.all.to); }

  private draw(): void {
    this.frame = 0;
    for (const chart of this.charts) chart(this.shown);
  }

  // Unless the address names something else by now.
  private write(): void {
    if (location.hash !== this.address) return;
    const is_all = this.shown.to - this.shown.from >= this.all.to - this.all.from;
    for (const name of ['from', 'to'] as const) {
      if (is_all) this.args.delete(name);
      else this.args.set(name, String(Math.round(this.shown[name])));
    }
    const path = location.hash.split('?')[0] || '#/';
    history.replaceState(history.state, '', `${path}${this.args.size > 0 ? '?' : ''}${this.args}`);
    this.address = location.hash;
  }
}

// Of these times, the part that the address names.
export function stretchOf(times: number[], args: URLSearchParams): Stretch {
  const newest = times[times.length - 1] ?? 0;
  const all = roomy({from: times[0] ?? newest, to: newest});
  const from = Math.max(all.from, Number(args.get('from') ?? all.from));
  const to = Math.min(all.to, Number(args.get('to') ?? all.to));
  return new Stretch(all, to - from >= kLeast ? {from, to} : all, args);
}

// What a pointer does by dragging and the keyboard by its keys, as buttons.
export function stretchTools(stretch: Stretch): HTMLElement {
  const tool = (text: string, name: string, act: () => void) => {
    const made = button(text, act);
    made.setAttribute('aria-label', name);
    made.title = name;
    return made;
  };
  return el('div', {class: 'tools', role: 'group', 'aria-label': 'Zoom and pan'},
    tool('◀', 'Earlier', () => stretch.move(-0.5)), tool('▶', 'Later', () => stretch.move(0.5)),
    tool('+', 'Zoom in', () => stretch.zoom(0.5)), tool('−', 'Zoom out', () => stretch.zoom(2)),
    button('Reset', () => stretch.reset()),
    el('span', {class: 'note'}, 'Drag to zoom, Shift+drag to pan, double-click to reset.'));
}
