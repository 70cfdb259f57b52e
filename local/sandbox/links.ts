import type { SandboxUser } from './users';

/** A link to the hosted widget, in which the end user picks a provider. */
export type WidgetSession = {
  id: string;
  referenceId: string | null;
  successUrl: string | null;
  failureUrl: string | null;
  /** The requested providers, in upper case; null for the dashboard's selection. */
  offered: readonly string[] | null;
  language: string;
  showDisconnect: boolean;
  expiresAtMs: number;
};

/**
 * One provider's consent page, for one Terra user. The state `void` means that the Terra user was deleted before it was
 * connected.
 */
export type Flow = {
  id: string;
  userId: string;
  provider: string;
  referenceId: string | null;
  successUrl: string | null;
  failureUrl: string | null;
  widgetSessionId: string | null;
  createdAtMs: number;
  expiresAtMs: number;
  state: 'open' | 'approved' | 'denied' | 'void';
};

/** Returns Terra's record of a flow's user before the end user approves, or after they deny. */
export function unconnectedUser({ userId, provider, referenceId, createdAtMs }: Flow): SandboxUser {
  return {
    userId,
    provider,
    referenceId,
    account: '',
    deviceId: null,
    scopes: [],
    createdAtMs,
    lastDataAtMs: null,
    active: false,
  };
}

/** A mobile SDK token. If it is bound, the phone cannot choose another reference id. */
export type Token = { token: string; boundTo: string | null; expiresAtMs: number; used: boolean };

/** Issued items that may still be used, by id. The oldest are dropped, so that memory stays bounded. */
export interface Issued<T> {
  put(id: string, item: T): void;
  find(id: string): T | undefined;
  all(): readonly T[];
  clear(): void;
}

const MOST_KEPT = 10_000;

export function issued<T>(): Issued<T> {
  const items = new Map<string, T>();
  return {
    put(id, item) {
      items.set(id, item);
      const [oldest] = items.keys();
      if (items.size > MOST_KEPT && oldest !== undefined) items.delete(oldest);
    },
    find: id => items.get(id),
    all: () => [...items.values()],
    clear: () => items.clear(),
  };
}
