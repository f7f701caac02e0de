import type {Finding, Signals} from './api';
import type {Mark} from './chart';
import {el, number, ratio, signed} from './dom';
import {localised, note, times} from './views/parts';

const kListed = 20;

// What each kind looks like, and how far to trust it. How often they are right was measured where
// the truth is known: docs/signals.md, by bench/signals_bench.
const kKinds: Record<string, [string, string]> = {
  step: ['Step', 'Typical of bought followers: they arrive at once and stay. In tests with a known '
    + 'cause, 96 of 100 steps were bought.'],
  jump: ['Jump', 'The count went back, or it is too early to tell. Many are errors in the '
    + 'network’s replies.'],
  drip: ['Steady inflow', 'Typical of bought followers delivered over hours. In tests with a known '
    + 'cause, 80 of 100 were bought; the rest were posts that spread.'],
  surge: ['Surge', 'Growth at a varying rate, as when a post spreads.'],
  saw_tooth: ['Saw-tooth following', 'Alternating mass follows and unfollows, to be followed '
    + 'back.'],
  low_ratio: ['Low ratio', 'Few followers relative to following, compared with all '
    + 'influencers now.']};

const kStates = ['low_ratio', 'saw_tooth'];  // of no single minute

function listed(finding: Finding): HTMLElement {
  const [title, words] = kKinds[finding.kind] ?? [finding.kind.replaceAll('_', ' '), ''];
  return el('li', {}, el('strong', {}, title), ' ', times(finding.start, finding.end), el('br'),
    localised(finding.evidence), '.', el('small', {class: 'note'}, words));
}

export function signalList({findings, usual}: Signals): HTMLElement {
  const judged = usual ? note(`Typical change ${signed(usual.followers_per_minute)} ± `
    + `${usual.spread < 10 ? ratio(usual.spread) : number(usual.spread)}/min (median of `
    + `${number(usual.changes)} changes). Signals are hints with evidence, not proof.`)
    : note('Not enough data: needs at least 30 changes within a day.');
  if (findings.length === 0) {
    return el('div', {}, el('p', {}, usual ? 'No signals in this range.' : 'No signals yet.'),
      judged);
  }
  const more = findings.length > kListed
    ? [note(`${number(findings.length - kListed)} more not listed.`)] : [];
  return el('div', {}, el('ul', {class: 'signals'}, ...findings.slice(0, kListed).map(listed)),
    ...more, judged);
}

// At the minute that each has reached.
export const marksOf = (signals: Signals | null): Mark[] => (signals?.findings ?? [])
  .filter(({kind}) => !kStates.includes(kind))
  .map((one) => ({at: Date.parse(one.end) / 1000, why: localised(one.evidence).textContent ?? ''}));
