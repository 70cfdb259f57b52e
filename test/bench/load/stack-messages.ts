import type { Upstream } from '../../../local/stack';

/** How the stack under load is to be. */
export type StackWish = {
  /** `lifted`: the gateway lets through what an AWS account would, not what the template says. */
  readonly throttles: 'template' | 'lifted';
  readonly upstream?: Upstream;
  readonly dataDir?: string;
};

export type Ask =
  | { readonly kind: 'start'; readonly wish: StackWish }
  | { readonly kind: 'tokens'; readonly names: readonly string[] }
  | { readonly kind: 'look' }
  | { readonly kind: 'close' };

/** What the stack's own process holds, after a garbage collection. */
export type OwnUse = {
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** Sockets, timers, servers and whatever else would keep the process alive. */
  readonly handles: number;
  readonly sockets: number;
};

/** The answer to each kind of question. */
export type Answers = { start: { apiUrl: string }; tokens: string[]; look: OwnUse; close: undefined };

export type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };
