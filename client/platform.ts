/** The platform's AbortSignal type, or else the part of it that the client uses, so that DOM types are not required. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer Known } } ? Known : PlainSignal;

type PlainSignal = {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
};

export type FetchInit = {
  method: string;
  headers: Record<string, string>;
  body?: string;
  signal: Signal;
  credentials: 'omit';
  cache: 'no-store';
  redirect: 'manual';
};

/** The part of a `Response` that the client reads. */
export type FetchAnswer = {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
};

/** The platform's `fetch` or a compatible function. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchAnswer>;

type Platform = {
  fetch: Fetch;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  AbortController: new () => { readonly signal: Signal; abort(): void };
  /** Only in a page. */
  readonly location?: { readonly origin?: string };
  readonly navigator?: { readonly onLine?: boolean };
};

/** The globals that the client uses; browsers, React Native and Node all have them. */
export const platform = globalThis as unknown as Platform;

/**
 * Returns whether a request that failed may have been answered, but withheld from this page by the browser because the
 * API has another origin and the answer no CORS headers.
 */
export function mayWithhold(apiUrl: string): boolean {
  const origin = platform.location?.origin;
  return origin !== undefined && !`${apiUrl}/`.startsWith(`${origin}/`) && platform.navigator?.onLine !== false;
}

/** Waits. Rejects immediately with the signal's reason if it is aborted. */
export function sleep(ms: number, signal?: Signal): Promise<void> {
  let timer: unknown;
  const slept = new Promise<void>(resolve => {
    timer = platform.setTimeout(resolve, ms);
  });
  return untilAborted(slept, signal).finally(() => platform.clearTimeout(timer));
}

/** Returns the same promise, but rejects with the signal's reason as soon as it is aborted. */
export function untilAborted<T>(promise: Promise<T>, signal: Signal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(reasonOf(signal));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Returns the reason of the abort. Older React Native has none. */
export function reasonOf(signal: Signal): unknown {
  return signal.reason ?? Object.assign(new Error('The call was aborted'), { name: 'AbortError' });
}
