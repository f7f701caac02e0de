// JSON in which the ids of influencers are exact. They go up to 2^63 - 1, and JavaScript rounds
// numbers above 2^53: those are text here, and numbers again in what is sent.

export type Id = number | string;

const kMayBeLong = /\d{16}/;
// Strings are passed over as a whole, so that nothing in them is taken for an id.
const kIds = /"(?:id|influencer)":\d{16,}|"influencers":\[[\d,]*\]|"(?:[^"\\]|\\.)*"/g;
const kNumbers = /\d{16,}/g;

export function idOf(digits: string): Id {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : digits.replace(/^0+/, '');
}

const textOf = (digits: string) =>
  typeof idOf(digits) === 'number' ? digits : `"${digits}"`;

export function parse<T>(json: string): T {
  if (!kMayBeLong.test(json)) return JSON.parse(json) as T;
  return JSON.parse(json.replace(kIds, (part) => /^"(?:id|influencers?)":/.test(part)
    ? part.replace(kNumbers, textOf) : part)) as T;
}

export const written = (body: object): string => JSON.stringify(body)
  .replace(/"influencers":\[[^\]]*\]/, (part) => part.replace(/"(\d+)"/g, '$1'));
