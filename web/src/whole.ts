import type {Minute} from './api';

// An average over fewer than this is one of some, not of all.
const kWhole = 0.9;

// The share with a value, of those that the network knows: an influencer that it denies is missed
// in every minute, which says nothing of the minute.
export function answered({stored, due, missed}: Minute): number {
  const known = due - (missed['not_found'] ?? 0);
  return known > 0 ? Math.min(1, stored / known) : 0;
}
export const isWhole = (minute: Minute) => answered(minute) >= kWhole;
