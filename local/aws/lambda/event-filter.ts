import { parseObject } from '../aws-call';

/** One of EventBridge's event patterns, as far as it is emulated: exact values and prefixes. */
type Rule = string | number | boolean | null | { readonly prefix: string };

/** Whether an event matches one of these patterns; without any it always does. */
export function eventFilter(patterns: readonly string[]): (event: object) => boolean {
  const parsed = patterns.map(pattern => parseObject(pattern) ?? {});
  for (const pattern of parsed) check(pattern);
  return event => parsed.length === 0 || parsed.some(pattern => matches(pattern, event));
}

function matches(pattern: unknown, value: unknown): boolean {
  if (Array.isArray(pattern)) return (pattern as Rule[]).some(rule => accepts(rule, value));
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(pattern as object).every(([name, inner]) => matches(inner, Reflect.get(value, name)));
}

function accepts(rule: Rule, value: unknown): boolean {
  if (typeof rule === 'object' && rule !== null) return typeof value === 'string' && value.startsWith(rule.prefix);
  return rule === value;
}

function check(pattern: unknown): void {
  for (const inner of Object.values(pattern as object)) {
    if (!Array.isArray(inner)) check(inner);
    else if (!inner.every(isEmulated)) throw new Error(`The filter ${JSON.stringify(inner)} is not emulated`);
  }
}

const isEmulated = (rule: unknown): boolean =>
  typeof rule !== 'object' || rule === null || Object.keys(rule).join() === 'prefix';
