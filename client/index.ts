export type {
  Confirmed,
  Connection,
  ConnectionReason,
  ConnectionStatus,
  MintedToken,
  OpenedSession,
  Provider,
  Session,
  SessionFailure,
  SessionRequest,
  SessionStatus,
} from './answers';
export { redirect, takeReturn } from './browser';
export type { CallOptions, ClientOptions, WaitOptions } from './api';
export { type Attempt, type Client, type ConnectOptions, createClient, type Open, type Outcome } from './connect';
export { ConnectError, type ConnectErrorCode, type ErrorCode } from './error';
export type { Fetch, Signal } from './platform';
export { handBack, popup } from './popup';
export { type Returned, readReturn } from './session-return';
