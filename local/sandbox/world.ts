import type { SandboxClock } from './clock';
import type { Deliveries } from './deliveries';
import type { History } from './history';
import type { Flow, Issued, Token, WidgetSession } from './links';
import type { Switchboard } from './switchboard';
import type { SandboxUser, Users } from './users';

/** The shared state of the sandbox: one Terra environment with its users, links, scenarios and history. */
export type World = {
  devId: string;
  apiKey: string;
  /** The sandbox's own URL; empty until it listens. */
  url: string;
  clock: SandboxClock;
  switches: Switchboard;
  users: Users;
  sessions: Issued<WidgetSession>;
  flows: Issued<Flow>;
  tokens: Issued<Token>;
  /** Each Terra user's authentications, oldest first, each with the user's state right after it. */
  authentications: Issued<readonly { atMs: number; user: SandboxUser }[]>;
  /** Data payloads served by s3_payload links. */
  payloads: Issued<{ body: string; expiresAtMs: number }>;
  /** The data requests of each Terra user: when, and for how many days. */
  dataRequests: Map<string, { atMs: number; days: number }[]>;
  deliveries: Deliveries;
  history: History;
};
