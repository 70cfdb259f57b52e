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
  /** 0 for any free one. */
  port: number | HeldPort;
  devId: string;
  apiKey: string;
  signingSecret: string;
  /** Where webhooks go; without it events are made and not delivered. */
  webhookUrl?: string;
  /** Keeps the Terra users in one JSON file there. */
  dataDir?: string;
  clock?: SandboxClock;
  log?: (line: string) => void;
  /** Terra waits about 8 s for an answer to a webhook. */
  deliveryTimeoutMs?: number;
  scenarios?: readonly ScenarioName[];
};

/** A running sandbox, and the control API's verbs for tests in the same process. */
export interface Sandbox {
  readonly url: string;
  /** The base that `/auth/…`, `/userInfo` and the rest are appended to. */
  readonly apiUrl: string;
  /** The whole URL of the widget-session endpoint. */
  readonly widgetUrl: string;
  readonly clock: SandboxClock;
  switchOn(name: ScenarioName, activation?: Activation): void;
  switchOff(name: ScenarioName): void;
  /** Everything off and forgotten, users too unless kept. */
  reset(options?: { keepUsers?: boolean }): void;
  users(): readonly SandboxUser[];
  /** Makes a Terra user as another program in the same Terra environment does. Resolves once its events had their first attempt. */
  connectElsewhere(connection: Omit<Elsewhere, 'provider'> & { provider: string }): Promise<SandboxUser>;
  /** Every API request and every delivery since `after`, oldest first. */
  history(after?: number): readonly HistoryEntry[];
  clearHistory(): void;
  /** Lets time pass for retries, expiry and what happens later; what falls due is delivered before it resolves. */
  advance(ms: number): Promise<void>;
  /** Makes something happen to a user now, such as access_revoked, connection_error, daily or reauth. */
  send(userId: string, event: string): Promise<readonly Delivery[]>;
  sendPlain(event: string): Promise<readonly Delivery[]>;
  /** Signs and delivers any body. */
  sendRaw(body: string): Promise<readonly Delivery[]>;
  /** Resolves once no delivery is under way. */
  settled(): Promise<void>;
  setWebhookUrl(url: string | undefined): void;
  close(): Promise<void>;
}

const DELIVERY_TIMEOUT_MS = 8000;

/** Starts a fake of Terra on 127.0.0.1. `close` ends everything it opened. */
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
      const { user, told } = connectElsewhere(world, { ...connection, provider: named });
      await told;
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
  if (value === undefined) throw new Error(`The sandbox knows no ${what}`);
  return value;
}
