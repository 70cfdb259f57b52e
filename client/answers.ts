export type ConnectionStatus = 'unconfirmed' | 'connected' | 'error' | 'disconnecting' | 'disconnected';

/** Why a connection has its status. */
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
  /** Present once connected. It changes when the user reconnects; `id` does not. */
  terraUserId?: string;
  scopes: string[];
  connectedAt?: string;
  lastDataAt?: string;
  needsAction?: 'confirm' | 'reconnect';
  updatedAt: string;
  version: number;
};

export type SessionStatus = 'pending' | 'returned' | 'completed' | 'failed' | 'expired' | 'rejected';

export type SessionFailure = 'cancelled' | 'denied' | 'expired' | 'provider_error' | 'wrong_owner' | 'unknown';

/** One attempt to connect. */
export type Session = {
  id: string;
  flow: 'widget' | 'direct';
  status: SessionStatus;
  provider?: string;
  /** Present while the link may be opened. */
  url?: string;
  /** When the link expires. */
  expiresAt: string;
  /** Present once completed. */
  connectionId?: string;
  failure?: SessionFailure;
};

/** A newly opened session. It has no `url` if the idempotency key repeats a session whose link was used. */
export type OpenedSession = Pick<Session, 'id' | 'flow' | 'status' | 'url' | 'expiresAt'>;

/**
 * The result of a confirmation: the connection, or (`202`) no connection while Terra has not reported the
 * authentication yet.
 */
export type Confirmed =
  | { id: string; status: 'completed'; connection: Connection }
  | { id: string; status: SessionStatus; connection?: never };

/** A single-use token for Terra's mobile SDK. */
export type MintedToken = {
  token: string;
  /** The reference id to initialize the SDK with. */
  referenceId: string;
  /** Whole seconds. */
  expiresIn: number;
  expiresAt: string;
};

/** A provider that users can connect, in a browser or with the SDK on a phone. */
export type Provider = { id: string; name: string; icon?: string; kind: 'web' | 'sdk' };

/** The request for a session. `provider` opens that provider's page; without it Terra's widget offers a choice. */
export type SessionRequest = {
  /** The name of one of the deployment's return targets. */
  returnTo: string;
  provider?: string | undefined;
  /** The providers that the widget offers. */
  providers?: string[] | undefined;
  /** For example `en` or `pt-BR`. */
  language?: string | undefined;
};
