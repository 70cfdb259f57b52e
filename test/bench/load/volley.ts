import autocannon from 'autocannon';

/** One request of a load. Hears what it was answered, if it was. */
export type Shot = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly answered?: (status: number) => void;
};

/** What became of a volley. */
export type Volley = {
  readonly seconds: number;
  readonly sent: number;
  readonly answers: readonly { readonly status: number; readonly ms: number }[];
  readonly connectionsLost: number;
  /** Neither answered nor on its way when the time was up. */
  readonly unanswered: number;
};

/** How long an answer may take: longer than the gateway itself waits, and than a busy machine takes. */
const TIMEOUT_SECONDS = 60;
/** The first requests of a step meet cold processes and empty queues. */
const SETTLE_MS = 500;

/**
 * Sends for some seconds over so many connections, each asking again once it is answered; with `perSecond`, no more than that.
 * The answers of the first half second are left out of the result, unless `whole`.
 */
export async function fire(options: {
  url: string;
  connections: number;
  seconds: number;
  perSecond?: number;
  /** Ends the volley once so many are answered, if that is before its time is up. */
  amount?: number;
  next: () => Shot;
  whole?: boolean;
}): Promise<Volley> {
  const { url, connections, seconds, perSecond, amount, next, whole = false } = options;
  const answers: { status: number; ms: number }[] = [];
  const settleMs = whole ? 0 : SETTLE_MS;
  let sent = 0;
  let answered = 0;

  const startedAt = performance.now();
  const run = autocannon({
    url,
    connections,
    duration: seconds,
    timeout: TIMEOUT_SECONDS,
    sampleInt: 100,
    ...(perSecond !== undefined && { overallRate: perSecond }),
    ...(amount !== undefined && { amount }),
    requests: [
      {
        setupRequest(request, context) {
          const shot = next();
          sent += 1;
          context.answered = shot.answered;
          const { method, path, headers, body } = shot;
          return { ...request, method, path, headers, ...(body !== undefined && { body }) };
        },
        onResponse(status, _, context) {
          (context.answered as Shot['answered'])?.(status);
        },
      },
    ],
  });
  run.on('response', (_client: unknown, status: number, _bytes: number, ms: number) => {
    answered += 1;
    if (performance.now() - startedAt >= settleMs) answers.push({ status, ms });
  });
  // With an amount autocannon has no end of time of its own.
  const end = setTimeout(() => run.stop(), seconds * 1000);
  const { errors } = await run;
  clearTimeout(end);
  const counted = (performance.now() - startedAt - settleMs) / 1000;
  return {
    seconds: counted,
    sent,
    answers,
    connectionsLost: errors,
    unanswered: Math.max(0, sent - answered - errors - connections),
  };
}

export const isServed = ({ status }: { status: number }): boolean => status >= 200 && status < 300;

/** How many were answered with each status. */
export function countOf({ answers }: Volley): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
