import type { Delivery } from './delivery';

export type RequestEntry = {
  kind: 'request';
  seq: number;
  at: string;
  method: string;
  path: string;
  /** The body, if it was JSON. */
  sent?: unknown;
  /** The status of the answer, or why there was none. */
  result: number | 'hung' | 'reset';
  ms: number;
  /** Remarks of the sandbox about the request. */
  notes: readonly string[];
};

/** A delivery. `at` is the sandbox's clock, which can be advanced; `realAt` is this machine's. */
export type DeliveryEntry = { kind: 'delivery'; seq: number; at: string; realAt: string } & Delivery;

export type HistoryEntry = RequestEntry | DeliveryEntry;

/** All API requests and webhook deliveries, oldest first, in a bounded list without credentials. */
export interface History {
  request(entry: Omit<RequestEntry, 'kind' | 'seq'>): void;
  delivery(at: string, delivery: Delivery): void;
  since(seq: number): readonly HistoryEntry[];
  delivered(id: string): Delivery | undefined;
  clear(): void;
}

const MOST_KEPT = 2000;

export function history(log: (line: string) => void): History {
  let entries: (RequestEntry | { kind: 'delivery'; seq: number; at: string; realAt: string; delivery: Delivery })[] =
    [];
  let seq = 0;
  return {
    request(entry) {
      seq += 1;
      entries = [...entries.slice(1 - MOST_KEPT), { kind: 'request', seq, ...entry }];
      const why = entry.notes.length > 0 ? ` (${entry.notes.join('; ')})` : '';
      log(`${entry.method} ${entry.path.split('?')[0]} ${entry.result} ${entry.ms} ms${why}`);
    },
    delivery(at, delivery) {
      seq += 1;
      const realAt = new Date().toISOString();
      entries = [...entries.slice(1 - MOST_KEPT), { kind: 'delivery', seq, at, realAt, delivery }];
    },
    since: after =>
      entries
        .filter(entry => entry.seq > after)
        .map(entry => {
          if (entry.kind === 'request') return entry;
          const { delivery, ...rest } = entry;
          return { ...rest, ...delivery };
        }),
    delivered(id) {
      const found = entries.find(entry => entry.kind === 'delivery' && entry.delivery.id === id);
      return found?.kind === 'delivery' ? found.delivery : undefined;
    },
    clear() {
      entries = [];
    },
  };
}
