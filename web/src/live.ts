import {get} from './api';
import type {Influencer, Summary} from './api';
import {parse} from './exact';

interface Watched { id: string; tell: (now: Influencer) => void }

const kSilenceMs = 5000;
const kPatienceMs = 4000;

let tell: (now: Summary) => void = () => { /* Nobody listens yet. */ };
let watched: Watched | null = null;
let stream: EventSource | null = null;
let heard_at = 0;
let is_lost = false;
let is_asking = false;

// How long the server has said nothing, and whether it did not answer when it was asked.
export const silence = () => ({seconds: (Date.now() - heard_at) / 1000, is_lost});

function hear(now: Summary): void {
  heard_at = Date.now();
  is_lost = false;
  tell(now);
}

// The tab's one stream, and none while nobody looks: a browser opens six connections to a server,
// for all tabs together.
function open(): void {
  stream?.close();
  stream = null;
  if (document.hidden) return;
  stream = new EventSource(`/api/v1/stream${watched ? `?influencers=${watched.id}` : ''}`);
  stream.addEventListener('summary', ({data}) => hear(parse<Summary>(data as string)));
  stream.addEventListener('influencer', ({data}) =>
    watched?.tell(parse<Influencer>(data as string)));
}

// Where the stream is silent, has been refused or has broken off, what it would say is asked for.
async function ask(): Promise<void> {
  if (document.hidden || is_asking || Date.now() - heard_at < kSilenceMs) return;
  is_asking = true;
  if (stream?.readyState === EventSource.CLOSED) open();
  const asked = watched;
  try {
    hear(await get<Summary>('/api/v1/summary', kPatienceMs));
    if (asked && stream?.readyState !== EventSource.OPEN) {
      const now = await get<Influencer>(`/api/v1/influencers/${asked.id}`, kPatienceMs);
      if (asked === watched) asked.tell(now);
    }
  } catch { is_lost = true; }
  is_asking = false;
}

export function listen(to: (now: Summary) => void): void {
  tell = to;
  open();
  void ask();
  setInterval(() => void ask(), 1000);
  document.addEventListener('visibilitychange', open);
}

// Tells each new value of one influencer, instead of another one's; of nobody's without.
export function watch(one: Watched | null): void {
  if (!one && !watched) return;
  watched = one;
  open();
}
