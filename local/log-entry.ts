import type { FunctionLog } from './aws/lambda/runtime';

/** One entry of the local stack's log. */
export type LogEntry =
  | {
      readonly kind: 'request';
      readonly at: number;
      /** Undefined if the gateway answered without calling a function. */
      readonly function: string | undefined;
      /** The route key, or only the method if no route matches. Never a path, because paths contain secrets. */
      readonly route: string;
      readonly status: number;
      readonly ms: number;
      readonly cold: boolean;
    }
  | {
      readonly kind: 'schedule';
      readonly at: number;
      readonly function: string;
      readonly schedule: string;
      readonly ok: boolean;
      readonly ms: number;
      readonly cold: boolean;
    }
  | ({ readonly kind: 'function'; readonly at: number } & FunctionLog)
  | {
      readonly kind: 'denied';
      readonly at: number;
      readonly function: string | undefined;
      /** The message that AWS would return. */
      readonly message: string;
    }
  | { readonly kind: 'sandbox'; readonly at: number; readonly message: string };

/** Returns the line to print in the terminal, or undefined for entries that are only kept in the log. */
export function logLine(entry: LogEntry, { colours }: { colours: boolean }): string | undefined {
  const paint = (code: number, text: string) => (colours ? `\u001B[${code}m${text}\u001B[0m` : text);
  const time = paint(DIM, new Date(entry.at).toTimeString().slice(0, 8));
  const column = (text: string) => text.padEnd(18);

  switch (entry.kind) {
    case 'request': {
      const status = paint(entry.status >= 500 ? RED : entry.status >= 400 ? YELLOW : GREEN, `${entry.status}`);
      return `${time}  ${column(entry.function ?? '-')}  ${status}  ${entry.route}  ${duration(entry)}`;
    }
    case 'schedule': {
      const outcome = entry.ok ? paint(GREEN, 'ran') : paint(RED, 'failed');
      return `${time}  ${column(entry.function)}  ${outcome}  on schedule  ${duration(entry)}`;
    }
    case 'function': {
      if (!['WARN', 'ERROR', 'FATAL'].includes(entry.level)) return undefined;
      const level = paint(entry.level === 'WARN' ? YELLOW : RED, entry.level.toLowerCase());
      return `${time}  ${column(entry.function)}  ${level}  ${messageText(entry.message)}`;
    }
    case 'denied':
      return `${time}  ${column(entry.function ?? '-')}  ${paint(RED, 'denied')}  ${entry.message}`;
    case 'sandbox':
      return `${time}  ${column('sandbox')}  ${paint(DIM, entry.message)}`;
    default:
      return entry satisfies never;
  }
}

const DIM = 2;
const RED = 31;
const GREEN = 32;
const YELLOW = 33;

const duration = ({ ms, cold }: { ms: number; cold: boolean }): string =>
  `${Math.round(ms)} ms${cold ? ' (cold)' : ''}`;

const messageText = (message: unknown): string => (typeof message === 'string' ? message : JSON.stringify(message));
