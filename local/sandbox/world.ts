import type { SandboxClock } from './clock';
import type { Deliveries } from './deliveries';
import type { History } from './history';
import type { Flow, Issued, Token, WidgetSession } from './links';
import type { Switchboard } from './switchboard';
import type { SandboxUser, Users } from './users';

/** Everything the sandbox's parts share: one Terra environment with its users, links, switches and record. */
export type World = {
  devId: string;
  apiKey: string;
  /** Where the sandbox itself is reached; known once it listens. */
  url: string;
  clock: SandboxClock;
  switches: Switchboard;
  users: Users;
  sessions: Issued<WidgetSession>;
  flows: Issued<Flow>;
  tokens: Issued<Token>;
  /** Each Terra user's authentications since it was made, oldest first, with the user as it was right after each. */
  authentications: Issued<readonly { atMs: number; user: SandboxUser }[]>;
  /** Data payloads that wait behind an s3_payload link. */
  payloads: Issued<{ body: string; expiresAtMs: number }>;
  /** When and for how many days each Terra user's data was asked for. */
  dataRequests: Map<string, { atMs: number; days: number }[]>;
  deliveries: Deliveries;
  history: History;
};
