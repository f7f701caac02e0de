import type {Finding, Signals} from './api';
import type {Mark} from './chart';
import {el, number, ratio, signed} from './dom';
import {localised, note, times} from './views/parts';

const kListed = 20;

// What each kind looks like, and how far to trust it. How often they are right was measured where
// the truth is known: docs/signals.md, by bench/signals_bench.
const kKinds: Record<string, [string, string]> = {
  step: ['A step', 'Bought followers look like this: they came at once and stayed. Where the truth '
    + 'was known, 96 of 100 steps were bought.'],
  jump: ['A jump', 'It went back, or it is too early to say. Many are wrong answers of the network.'],
  drip: ['An even inflow', 'As when followers are delivered over hours. Where the truth was known, '
    + '80 of 100 were; the others were posts that spread.'],
  surge: ['A surge', 'At a changing pace, as when a post spreads.'],
  saw_tooth: ['A saw-tooth of following', 'Mass follow and mass unfollow in turn, to be followed '
    + 'back.'],
  low_ratio: ['A low ratio', 'Few followers for how many it follows, compared with everybody now.']};

const kStates = ['low_ratio', 'saw_tooth'];  // of no single minute

function listed(finding: Finding): HTMLElement {
  const [title, words] = kKinds[finding.kind] ?? [finding.kind.replaceAll('_', ' '), ''];
  return el('li', {}, el('strong', {}, title), ' ', times(finding.start, finding.end), el('br'),
    localised(finding.evidence), '.', el('small', {class: 'note'}, words));
}

export function signalList({findings, usual}: Signals): HTMLElement {
  const judged = usual ? note(`Usually ${signed(usual.followers_per_minute)} a minute, give or take `
    + `${ratio(usual.spread)}: the middle of ${number(usual.changes)} changes. A signal is a hint `
    + 'with its evidence, not a proof.')
    : note('Too few values to judge by: 30 changes within a day are needed.');
  if (findings.length === 0) {
    return el('div', {}, el('p', {}, usual ? 'Nothing unusual in this range.' : 'Nothing yet.'),
      judged);
  }
  const more = findings.length > kListed ? [note(`And ${findings.length - kListed} more.`)] : [];
  return el('div', {}, el('ul', {class: 'signals'}, ...findings.slice(0, kListed).map(listed)),
    ...more, judged);
}

// At the minute that each has reached.
export const marksOf = (signals: Signals | null): Mark[] => (signals?.findings ?? [])
  .filter(({kind}) => !kStates.includes(kind))
  .map((one) => ({at: Date.parse(one.end) / 1000, why: localised(one.evidence).textContent ?? ''}));
