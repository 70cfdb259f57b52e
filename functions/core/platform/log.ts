import type { ErrorCode } from '../http/errors';

/** Conditions that an operator must look at. Each is counted by a metric with an alarm. */
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

/** All fields of log lines. None can contain tokens, links, codes, bodies, headers or queries. */
export type LogFields = {
  route?: string;
  status?: number;
  ms?: number;
  code?: ErrorCode;
  /** An explanation that contains no input. */
  reason?: string;
  outcome?: string;
  event?: string;
  /** Type of a Terra event, and its fields that were missing or unreadable; always logged together. */
  eventType?: string;
  unread?: string;
  alarm?: AlarmName;
  /** Name of an unexpected error. */
  error?: string;
  stack?: string;
  /** HTTP status of Terra's answer, if there was one. */
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
  /** Rows that this version cannot read, and rows with an enum value of a later version. */
  unreadableRows?: number;
  laterValues?: number;
  /** Received stream records, published events, and events sent to the dead-letter queue. */
  records?: number;
  published?: number;
  deadLetters?: number;
};

/** Writes one log line; Lambda adds time, level and request id. */
export type Log = (level: 'info' | 'warn' | 'error', message: string, facts: LogFields) => void;

/** Logs an object, which Lambda's JSON logging writes as the line's `message`. */
export const consoleLog: Log = (level, message, facts) => console[level]({ message, ...facts });
