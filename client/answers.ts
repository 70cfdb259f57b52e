/** Where a connection stands. */
export type ConnectionStatus = 'unconfirmed' | 'connected' | 'error' | 'disconnecting' | 'disconnected';

/** Why it stands there. */
export type ConnectionReason =
  | 'awaiting_confirmation'
  | 'unsolicited'
  | 'provider_rejected'
  | 'owner'
  | 'erased'
  | 'wrong_owner'
  | 'not_confirmed'
  | 'revoked'
  | 'deauthorised'
  | 'absent';

/** A lasting link between the signed-in user and one provider account. Times are ISO 8601 in UTC. */
export type Connection = {
  id: string;
  provider: string;
  status: ConnectionStatus;
  reason?: ConnectionReason;
  /** Only once connected. It changes when the person reconnects; `id` does not. */
  terraUserId?: string;
  scopes: string[];
  connectedAt?: string;
  lastDataAt?: string;
  needsAction?: 'confirm' | 'reconnect';
  updatedAt: string;
  version: number;
};

/** Where an attempt to connect stands. */
export type SessionStatus = 'pending' | 'returned' | 'completed' | 'failed' | 'expired' | 'rejected';

/** Why an attempt came to nothing. */
export type SessionFailure = 'cancelled' | 'denied' | 'expired' | 'provider_error' | 'wrong_owner' | 'unknown';

/** One attempt to connect. */
export type Session = {
  id: string;
  flow: 'widget' | 'direct';
  status: SessionStatus;
  provider?: string;
  /** While the link may be opened. */
  url?: string;
  /** Until when the link may be opened. */
  expiresAt: string;
  /** Once completed. */
  connectionId?: string;
  failure?: SessionFailure;
};

/** A session just opened; without `url` where an idempotency key repeats a session whose link has served. */
export type OpenedSession = Pick<Session, 'id' | 'flow' | 'status' | 'url' | 'expiresAt'>;

/** What confirming brought: the connection, or `202` while Terra's word is on its way. */
export type Confirmed =
  | { id: string; status: 'completed'; connection: Connection }
  | { id: string; status: SessionStatus; connection?: never };

/** A single-use token for Terra's mobile SDK. */
export type MintedToken = {
  token: string;
  /** What the SDK is to be started with. */
  referenceId: string;
  /** Whole seconds. */
  expiresIn: number;
  expiresAt: string;
};

/** Something people can connect: in a browser, or with the SDK on a phone. */
export type Provider = { id: string; name: string; icon?: string; kind: 'web' | 'sdk' };

/** What a session is opened for: `provider` leads straight there, otherwise Terra's widget lets people choose. */
export type SessionRequest = {
  /** A name among the deployment's return targets. */
  returnTo: string;
  provider?: string | undefined;
  /** What the widget offers. */
  providers?: string[] | undefined;
  /** Such as `en` or `pt-BR`. */
  language?: string | undefined;
};
