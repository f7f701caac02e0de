import {get} from './api';
import type {Influencer, Summary} from './api';

interface Watched { id: string; tell: (now: Influencer) => void }
interface Listener { summary: (now: Summary) => void; lost: () => void }

let listener: Listener | null = null;
let watched: Watched | null = null;
let stream: EventSource | null = null;

// The tab's one stream, and none while nobody looks: a browser opens six connections to a server,
// for all tabs together.
function open(): void {
  stream?.close();
  stream = null;
  if (document.hidden) return;
  stream = new EventSource(`/api/v1/stream${watched ? `?influencers=${watched.id}` : ''}`);
  stream.addEventListener('summary', ({data}) =>
    listener?.summary(JSON.parse(data as string) as Summary));
  stream.addEventListener('influencer', ({data}) =>
    watched?.tell(JSON.parse(data as string) as Influencer));
}

// Where a stream is refused or breaks off, what it would have said is asked for.
async function ask(): Promise<void> {
  if (document.hidden || stream?.readyState === EventSource.OPEN) return;
  if (stream?.readyState === EventSource.CLOSED) open();
  const asked = watched;
  try {
    listener?.summary(await get<Summary>('/api/v1/summary'));
    if (!asked) return;
    const now = await get<Influencer>(`/api/v1/influencers/${asked.id}`);
    if (asked === watched) asked.tell(now);
  } catch { listener?.lost(); }
}

export function listen(to: Listener, every_ms: number): void {
  listener = to;
  open();
  void ask();
  setInterval(() => void ask(), every_ms);
  document.addEventListener('visibilitychange', open);
}

export const watches = () => watched !== null;

// Tells each new value of one influencer, instead of another one's; of nobody's without.
export function watch(one: Watched | null): void {
  if (!one && !watched) return;
  watched = one;
  open();
}
