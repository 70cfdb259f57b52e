import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { SandboxClock } from './clock';
import type { Delivery, OutgoingEvent } from './delivery';
import { signedHeaders } from './delivery-headers';
import type { History } from './history';
import { post } from './post';
import type { Switchboard } from './switchboard';
import type { Knobs } from './knobs';

export interface Deliveries {
  /**
   * Sends events in order. Resolves when each had its first attempt, or was lost, delayed or held back by a scenario.
   */
  send(events: readonly OutgoingEvent[]): Promise<readonly Delivery[]>;
  /** Repeats a past delivery, like the dashboard's resend. */
  resend(delivery: Delivery): Promise<void>;
  /** Resolves once no delivery is being sent. Waiting retries do not count. */
  settled(): Promise<void>;
  destination(): string | undefined;
  /** Changes the destination and forgets its failures. */
  setDestination(url: string | undefined): void;
  forget(): void;
  stop(): void;
}

export type DeliveryDeps = {
  clock: SandboxClock;
  switches: Switchboard;
  history: History;
  log: (line: string) => void;
  signingSecret: string;
  timeoutMs: number;
};

const DISABLED_AFTER_MS = 24 * 3600 * 1000;
const HELD_AT_MOST_MS = 60_000;

export function deliveries(deps: DeliveryDeps, firstDestination: string | undefined): Deliveries {
  const { clock, switches, history } = deps;
  const stopped = new AbortController();
  const running = new Set<Promise<unknown>>();
  let destination = firstDestination;
  let failing: { sinceMs: number; disabled: boolean } | undefined;
  let held: (() => Promise<void>) | undefined;
  let epoch = 0;

  /** Returns a function that tells whether there was no reset since. */
  function resetCheck(): () => boolean {
    const startedIn = epoch;
    return () => startedIn === epoch;
  }

  /** `retries` is the number of earlier retries; undefined for a copy that is never retried. */
  async function attempt(delivery: Delivery, retries: number | undefined): Promise<void> {
    const isCurrent = resetCheck();
    delete delivery.nextAttemptAt;
    if (destination === undefined) {
      delivery.state = 'no_destination';
      return;
    }
    if (failing?.disabled) {
      delivery.state = 'disabled';
      return;
    }
    const { headers, body, signedAtSeconds } = signedHeaders(delivery, switches, clock, deps.signingSecret);
    const startedMs = performance.now();
    const at = new Date(clock.now()).toISOString();
    const realAt = new Date().toISOString();
    const result = await post(destination, headers, body, deps.timeoutMs, stopped.signal);
    if (stopped.signal.aborted || !isCurrent()) return;
    const ms = Math.round(performance.now() - startedMs);
    delivery.attempts.push({ at, realAt, signedAtSeconds, headers, ...result, ms });
    deps.log(`webhook ${delivery.type} ${result.status} ${result.cause ?? ''}`.trimEnd());
    recordResult(delivery, result.status, retries);
  }

  function recordResult(delivery: Delivery, status: number, retries: number | undefined): void {
    if (status >= 200 && status < 300) {
      delivery.state = 'delivered';
      failing = undefined;
      return;
    }
    failing ??= { sinceMs: clock.now(), disabled: false };
    if (clock.now() - failing.sinceMs >= DISABLED_AFTER_MS) failing.disabled = true;
    if (retries === undefined) return;
    const final = switches.knob('retryOn', delivery.type) === '5xx_only' && status < 500;
    const delaySeconds = retryDelaySeconds(switches.knob('retrySchedule', delivery.type), retries);
    if (final || delaySeconds === undefined) {
      delivery.state = 'gave_up';
      return;
    }
    delivery.state = 'retrying';
    delivery.nextAttemptAt = new Date(clock.now() + delaySeconds * 1000).toISOString();
    clock.after(delaySeconds * 1000, () => tracked(attempt(delivery, retries + 1)));
  }

  async function sendCopies(delivery: Delivery, copies: number): Promise<void> {
    const isCurrent = resetCheck();
    for (let copy = 0; copy < copies; copy += 1) {
      if (isCurrent()) await attempt(delivery, copy === 0 ? 0 : undefined);
    }
  }

  async function dispatch(event: OutgoingEvent): Promise<Delivery> {
    const delivery: Delivery = {
      id: randomUUID(),
      type: event.type,
      userId: event.userId,
      traceId: event.traceId ?? randomUUID(),
      reference: event.reference ?? randomUUID(),
      orderingTimestampMs: clock.stamp(),
      body: event.body,
      state: 'waiting',
      attempts: [],
    };
    history.delivery(new Date(clock.now()).toISOString(), delivery);
    if (switches.take('lose', event.type)) {
      delivery.state = 'lost';
      return delivery;
    }
    const copies = switches.take('copies', event.type);
    const delaySeconds = switches.take('delaySeconds', event.type);
    if (delaySeconds > 0) {
      delivery.nextAttemptAt = new Date(clock.now() + delaySeconds * 1000).toISOString();
      clock.after(delaySeconds * 1000, () => tracked(sendCopies(delivery, copies)));
      return delivery;
    }
    const overtaken = held;
    if (!overtaken && switches.take('holdUntilNext', event.type)) {
      hold(() => sendCopies(delivery, copies));
      return delivery;
    }
    await sendCopies(delivery, copies);
    await overtaken?.();
    return delivery;
  }

  function hold(release: () => Promise<void>): void {
    const once = async () => {
      if (held !== once) return;
      held = undefined;
      cancel();
      await release();
    };
    const cancel = clock.after(HELD_AT_MOST_MS, () => tracked(once()));
    held = once;
  }

  function tracked<T>(work: Promise<T>): Promise<T> {
    const done = work.finally(() => running.delete(done));
    running.add(done);
    return done;
  }

  async function sendAll(events: readonly OutgoingEvent[]): Promise<readonly Delivery[]> {
    // The request that caused the events must be answered first.
    await setImmediate();
    const sent: Delivery[] = [];
    for (const event of events) sent.push(await dispatch(event));
    return sent;
  }

  return {
    send: events => tracked(sendAll(events)),
    resend: delivery => tracked(attempt(delivery, undefined)),
    async settled() {
      while (running.size > 0) await Promise.allSettled(running);
    },
    destination: () => destination,
    setDestination(url) {
      destination = url;
      failing = undefined;
    },
    forget() {
      epoch += 1;
      held = undefined;
      failing = undefined;
    },
    stop: () => stopped.abort(),
  };
}

// Docs, data-destinations/webhooks: ten retries, the first after 30 s, with doubling delays.
const docsSeconds = Array.from({ length: 10 }, (_, retry) => 30 * 2 ** retry);

// FAQ, retry-policy-and-redelivery: about 5 min, 30 min, 1 h, 2 h, 4 h, up to some eight tries within a little over 24
// h. The last three delays are not published; these make the sum 25 h 35 min.
const faqSeconds = [300, 1800, 3600, 7200, 14_400, 21_600, 21_600, 21_600];

/** Returns the delay before the next retry after `retries` failed retries, or undefined if Terra gives up. */
export function retryDelaySeconds(schedule: Knobs['retrySchedule'], retries: number): number | undefined {
  return (schedule === 'docs' ? docsSeconds : faqSeconds)[retries];
}
