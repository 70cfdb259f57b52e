import { addressOf, type HeldPort, listen } from '../loopback';
import { realClock, type SandboxClock } from './clock';
import { connectElsewhere, type Elsewhere } from './connecting';
import { resetBy } from './control';
import { deliveries } from './deliveries';
import type { Delivery } from './delivery';
import { type HistoryEntry, history } from './history';
import { issued } from './links';
import { findProvider } from './providers';
import type { ScenarioName } from './scenarios';
import { sendOf, sendPlain, sendRaw } from './send-now';
import { sandboxServer } from './server';
import { type Activation, switchboard } from './switchboard';
import { openUsers, type SandboxUser } from './users';
import type { World } from './world';

export type SandboxOptions = {
  /** 0 for any free port. */
  port: number | HeldPort;
  devId: string;
  apiKey: string;
  signingSecret: string;
  /** The webhook destination. Without it events are recorded but not delivered. */
  webhookUrl?: string;
  /** Directory of the JSON file that keeps the Terra users. */
  dataDir?: string;
  clock?: SandboxClock;
  log?: (line: string) => void;
  /** Defaults to Terra's own timeout of about 8 s. */
  deliveryTimeoutMs?: number;
  scenarios?: readonly ScenarioName[];
};

/** A running sandbox, with the functions of the control API for tests in the same process. */
export interface Sandbox {
  readonly url: string;
  /** Base URL that paths such as `/auth/…` and `/userInfo` are appended to. */
  readonly apiUrl: string;
  /** Full URL of the widget-session endpoint. */
  readonly widgetUrl: string;
  readonly clock: SandboxClock;
  switchOn(name: ScenarioName, activation?: Activation): void;
  switchOff(name: ScenarioName): void;
  /** Switches all scenarios off and deletes all data; `keepUsers` keeps the users. */
  reset(options?: { keepUsers?: boolean }): void;
  users(): readonly SandboxUser[];
  /**
   * Creates a Terra user as another program in the same Terra environment would. Resolves after the first attempt to
   * deliver each of its events.
   */
  connectElsewhere(connection: Omit<Elsewhere, 'provider'> & { provider: string }): Promise<SandboxUser>;
  /** Returns every API request and delivery after the sequence number `after`, oldest first. */
  history(after?: number): readonly HistoryEntry[];
  clearHistory(): void;
  /** Advances the clock. What falls due, such as retries, expiry and later events, is delivered before it resolves. */
  advance(ms: number): Promise<void>;
  /** Triggers an event of a user, such as access_revoked, connection_error, daily or reauth. */
  send(userId: string, event: string): Promise<readonly Delivery[]>;
  sendPlain(event: string): Promise<readonly Delivery[]>;
  sendRaw(body: string): Promise<readonly Delivery[]>;
  /** Resolves once no delivery is being sent. */
  settled(): Promise<void>;
  setWebhookUrl(url: string | undefined): void;
  close(): Promise<void>;
}

const DELIVERY_TIMEOUT_MS = 8000;

/** Starts an imitation of Terra on 127.0.0.1. `close` ends everything it opened. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const clock = options.clock ?? realClock();
  const log = options.log ?? (() => {});
  const switches = switchboard();
  for (const name of options.scenarios ?? []) switches.switchOn(name);
  const record = history(log);
  const timeoutMs = options.deliveryTimeoutMs ?? DELIVERY_TIMEOUT_MS;
  const { signingSecret } = options;
  const world: World = {
    devId: options.devId,
    apiKey: options.apiKey,
    url: '',
    clock,
    switches,
    users: openUsers(options.dataDir),
    sessions: issued(),
    flows: issued(),
    tokens: issued(),
    authentications: issued(),
    payloads: issued(),
    dataRequests: new Map(),
    deliveries: deliveries({ clock, switches, history: record, log, signingSecret, timeoutMs }, options.webhookUrl),
    history: record,
  };

  const server = sandboxServer(world, log);
  world.url = `http://${addressOf(await listen(server, options.port))}`;

  return {
    url: world.url,
    apiUrl: `${world.url}/v2`,
    widgetUrl: `${world.url}/api/widget/session`,
    clock,
    switchOn: (name, activation) => switches.switchOn(name, activation),
    switchOff: name => switches.switchOff(name),
    reset: (how = {}) => void resetBy(world, how),
    users: () => world.users.all(),
    async connectElsewhere({ provider, ...connection }) {
      const named = found(findProvider(provider), `provider ${provider}`);
      const { user, sent } = connectElsewhere(world, { ...connection, provider: named });
      await sent;
      return user;
    },
    history: (after = 0) => record.since(after),
    clearHistory: () => record.clear(),
    advance: ms => clock.advance(ms),
    send: async (userId, event) => found(await sendOf(world, userId, event), `user ${userId} or event ${event}`),
    sendPlain: async event => found(await sendPlain(world, event), `event ${event}`),
    sendRaw: body => sendRaw(world, body),
    settled: () => world.deliveries.settled(),
    setWebhookUrl: url => world.deliveries.setDestination(url),
    async close() {
      clock.clear();
      world.deliveries.stop();
      server.close();
      server.closeAllConnections();
      await world.deliveries.settled();
    },
  };
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`The sandbox has no ${what}`);
  return value;
}
