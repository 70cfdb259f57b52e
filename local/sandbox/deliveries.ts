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
  /** Sends events one after the other; resolves when each had its first attempt, or was set aside. */
  send(events: readonly OutgoingEvent[]): Promise<readonly Delivery[]>;
  /** Sends a past delivery once more, as the dashboard's resend does. */
  resend(delivery: Delivery): Promise<void>;
  /** Resolves once nothing is being sent. Waiting retries do not count. */
  settled(): Promise<void>;
  destination(): string | undefined;
  /** A new destination starts with a clean record. */
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
  let era = 0;

  /** Whether no reset came since. */
  function untilReset(): () => boolean {
    const born = era;
    return () => born === era;
  }

  /** `retries` is how many came before; undefined for a copy that Terra does not follow up. */
  async function attempt(delivery: Delivery, retries: number | undefined): Promise<void> {
    const isWanted = untilReset();
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
    if (stopped.signal.aborted || !isWanted()) return;
    const ms = Math.round(performance.now() - startedMs);
    delivery.attempts.push({ at, realAt, signedAtSeconds, headers, ...result, ms });
    deps.log(`webhook ${delivery.type} ${result.status} ${result.cause ?? ''}`.trimEnd());
    judge(delivery, result.status, retries);
  }

  function judge(delivery: Delivery, status: number, retries: number | undefined): void {
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

  async function first(delivery: Delivery, copies: number): Promise<void> {
    const isWanted = untilReset();
    for (let copy = 0; copy < copies; copy += 1) {
      if (isWanted()) await attempt(delivery, copy === 0 ? 0 : undefined);
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
      clock.after(delaySeconds * 1000, () => tracked(first(delivery, copies)));
      return delivery;
    }
    const overtaken = held;
    if (!overtaken && switches.take('holdUntilNext', event.type)) {
      hold(() => first(delivery, copies));
      return delivery;
    }
    await first(delivery, copies);
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
    // Whoever caused the events has their answer first.
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
      era += 1;
      held = undefined;
      failing = undefined;
    },
    stop: () => stopped.abort(),
  };
}

// Docs, data-destinations/webhooks: ten retries, the first after 30 s, each twice as late.
const docsSeconds = Array.from({ length: 10 }, (_, retry) => 30 * 2 ** retry);

// FAQ, retry-policy-and-redelivery: about 5 min, 30 min, 1 h, 2 h, 4 h, up to some eight tries within a little over 24 h.
// The last three are not published; these make the sum 25 h 35 min.
const faqSeconds = [300, 1800, 3600, 7200, 14_400, 21_600, 21_600, 21_600];

/** How long Terra waits before the next retry when `retries` have failed already; undefined when it gives up. */
export function retryDelaySeconds(schedule: Knobs['retrySchedule'], retries: number): number | undefined {
  return (schedule === 'docs' ? docsSeconds : faqSeconds)[retries];
}
