/** Where the platform has AbortSignal, that type; else as much of it as the client uses. Nobody needs DOM types. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer Known } } ? Known : PlainSignal;

type PlainSignal = {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
};

/** What `fetch` is asked for. */
export type FetchInit = {
  method: string;
  headers: Record<string, string>;
  body?: string;
  signal: Signal;
  credentials: 'omit';
  cache: 'no-store';
  redirect: 'manual';
};

/** As much of a `Response` as the client reads. */
export type FetchAnswer = {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
};

/** The platform's `fetch`, or one like it. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchAnswer>;

type Platform = {
  fetch: Fetch;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  AbortController: new () => { readonly signal: Signal; abort(): void };
  /** Of a page. */
  readonly location?: { readonly origin?: string };
  readonly navigator?: { readonly onLine?: boolean };
};

/** What the client uses of wherever it runs: browsers, React Native and Node all have it. */
export const platform = globalThis as unknown as Platform;

/**
 * Returns whether a request that got no answer may have got one that the browser withholds from this page, because it is of
 * another origin than the API and the answer has no CORS headers.
 */
export function mayWithhold(apiUrl: string): boolean {
  const origin = platform.location?.origin;
  return origin !== undefined && !`${apiUrl}/`.startsWith(`${origin}/`) && platform.navigator?.onLine !== false;
}

/** Waits; rejects at once with the signal's reason when it is aborted. */
export function sleep(ms: number, signal?: Signal): Promise<void> {
  let timer: unknown;
  const slept = new Promise<void>(resolve => {
    timer = platform.setTimeout(resolve, ms);
  });
  return untilAborted(slept, signal).finally(() => platform.clearTimeout(timer));
}

/** The same promise, but rejected with the signal's reason as soon as it is aborted. */
export function untilAborted<T>(promise: Promise<T>, signal: Signal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(reasonOf(signal));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Why it was aborted. Older React Native keeps no reason. */
export function reasonOf(signal: Signal): unknown {
  return signal.reason ?? Object.assign(new Error('The call was aborted'), { name: 'AbortError' });
}
