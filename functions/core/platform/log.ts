import type { ErrorCode } from '../http/errors';

/** Things a person should look at; each is a metric and an alarm. */
export type AlarmName =
  | 'owner_mismatch'
  | 'link_reused'
  | 'owners_differ'
  | 'reference_key_changed'
  | 'signature_mismatch'
  | 'terra_credentials'
  | 'terra_endpoint_gone'
  | 'unsolicited_foreign'
  | 'disconnect_overdue'
  | 'owner_full'
  | 'reconcile_breaker'
  | 'reconcile_skipped'
  | 'sweep_breaker'
  | 'body_too_large'
  | 'unreadable_row'
  | 'poison_event'
  | 'unknown_event'
  | 'end_without_reference';

/** The only things a log line can say. Tokens, links, codes, bodies, headers and queries are not among them. */
export type LogFields = {
  route?: string;
  status?: number;
  ms?: number;
  code?: ErrorCode;
  /** Why, in words made in this code. */
  reason?: string;
  outcome?: string;
  event?: string;
  /** Terra's name of an event's type, and the fields of the event that were missing or unreadable; always together. */
  eventType?: string;
  unread?: string;
  alarm?: AlarmName;
  /** Class of an unexpected error. */
  error?: string;
  stack?: string;
  /** Terra's answer, where it had one. */
  terraStatus?: number;
  due?: number;
  closed?: number;
  disconnected?: number;
  looked?: number;
  refused?: number;
  asked?: number;
  missed?: number;
  absent?: number;
  skipped?: number;
  failed?: number;
  left?: number;
  /** Rows that this version cannot read, and rows with a value that only a later version knows. */
  unreadableRows?: number;
  laterValues?: number;
  /** Changes of rows that came, events that went out, and what had to be put aside for an operator. */
  records?: number;
  published?: number;
  deadLetters?: number;
};

/** Writes one line; the platform adds time, level and request id. */
export type Log = (level: 'info' | 'warn' | 'error', message: string, facts: LogFields) => void;

/** With Lambda's JSON logging an object becomes the `message` of the line. */
export const consoleLog: Log = (level, message, facts) => console[level]({ message, ...facts });
