import { isDeepStrictEqual } from 'node:util';
import type { Store } from '../../../functions/core/store/store';
import { SCHEMA } from '../../../functions/core/store/table';
import { type MemoryStore, memoryStore } from '../../support/memory-store';

/*
 * A version of tomorrow, as far as rows can tell: its schema is a later one, it stores attributes and facts that this version
 * does not know, and its enums have values of their own. Each of these means what one of today's values means, so that the
 * later version is this code reading `revoked` where `revoked_later` is stored.
 */

type Row = Record<string, unknown> & { owner: string; item: string };
type Path = string[];

export const LATER = '_later';
/** What only the later version knows, of a row, a fact or an element. */
const NEW_ATTRIBUTE = { tags: { team: 'blue' } };
const NEW_FACT = { quiet: { at: 7, hours: ['a', 'b'] } };

/** The places of enum values, by the kind of row. */
const enumPaths: Record<string, readonly Path[]> = {
  session: [['flow'], ['failed', 'cause'], ['cancelled', 'cause']],
  connection: [
    ['facts', 'gone', 'reason'],
    ['facts', 'disconnect', 'reason'],
  ],
};

const kindOf = (row: Row): string => row.item.split('#')[0] ?? '';

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, name) => Object(inner)[name], value);
}

function withValueAt<T>(value: T, [name, ...rest]: Path, inner: unknown): T {
  if (name === undefined) return inner as T;
  return { ...value, [name]: withValueAt(Object(value)[name], rest, inner) };
}

/** The row as the later version leaves it; with `translates`, in values of its own. */
export function asLater(row: Row, { translates = true } = {}): Row {
  let later: Row = { ...NEW_ATTRIBUTE, ...row, schema: SCHEMA + 1 };
  if (kindOf(row) === 'connection') {
    later = withValueAt(later, ['facts'], { ...NEW_FACT, ...Object(later.facts) });
    const history = (later.history ?? []) as { status: string }[];
    later = { ...later, history: history.map(each => ({ by: 'server', ...each })) };
  }
  for (const user of Object.keys(Object(later.authorised)))
    later = withValueAt(later, ['authorised', user, 'device'], 'watch');
  for (const path of enumPaths[kindOf(row)] ?? []) {
    const value = valueAt(later, path);
    if (translates && typeof value === 'string' && !value.endsWith(LATER))
      later = withValueAt(later, path, value + LATER);
  }
  return later;
}

/** What only the later version knows of a row: each path of it with its value. */
export function laterParts(row: Row): [Path, unknown][] {
  const parts: [Path, unknown][] = [];
  if ('tags' in row) parts.push([['tags'], row.tags]);
  if (Number(row.schema) > SCHEMA) parts.push([['schema'], row.schema]);
  if ('quiet' in Object(row.facts)) parts.push([['facts', 'quiet'], valueAt(row, ['facts', 'quiet'])]);
  for (const [user, each] of Object.entries(Object(row.authorised) as Record<string, unknown>))
    if ('device' in Object(each)) parts.push([['authorised', user, 'device'], Object(each).device]);
  for (const path of enumPaths[kindOf(row)] ?? []) {
    const value = valueAt(row, path);
    // A newer fact takes the place of the whole one; of the same time it must not.
    const whole = path.length === 1 ? path : path.slice(0, -1);
    if (String(value).endsWith(LATER)) parts.push([whole, valueAt(row, whole)]);
  }
  return parts;
}

/** Without the classes that two realms of a test runner make of one object. */
const isSame = (a: unknown, b: unknown): boolean =>
  isDeepStrictEqual(JSON.parse(JSON.stringify([a])), JSON.parse(JSON.stringify([b])));

/** Throws if something that only the later version knows was lost from a row that is still there. */
export function expectNothingLost(before: Row, after: Row): void {
  for (const [path, value] of laterParts(before)) {
    const now = valueAt(after, path);
    if (isSame(now, value)) continue;
    const isNewer = Number(Object(now).at) > Number(Object(value).at);
    if (!isNewer)
      throw new Error(`${path.join('.')} of ${after.item} was ${JSON.stringify(value)}, is ${JSON.stringify(now)}`);
  }
}

/** The later version's own reading: its values mean what today's mean. */
function read<T>(value: T): T {
  if (typeof value === 'string') return (value.endsWith(LATER) ? value.slice(0, -LATER.length) : value) as T;
  if (Array.isArray(value)) return value.map(read) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, read(each)])) as T;
}

/** A store to which two versions write, call by call; it throws as soon as something of the later one is lost. */
export function mixedStore(isLater: () => boolean) {
  const store: Store & Pick<MemoryStore, 'items'> = memoryStore();
  const { items } = store;

  async function call<R>(verb: () => Promise<R>, readAnswer: (answer: R) => R): Promise<R> {
    const before = new Map(items);
    const later = isLater();
    const answer = await verb();
    for (const [key, row] of items) {
      const was = before.get(key);
      if (was !== undefined && was !== row) expectNothingLost(was, row);
      if (later && was !== row) items.set(key, asLater(row));
    }
    return later ? readAnswer(answer) : answer;
  }

  const mixed = new Proxy<Store>(store, {
    get(target, verb) {
      const method: unknown = Reflect.get(target, verb);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => call(() => method.apply(target, args) as Promise<unknown>, read);
    },
  });
  return { store: mixed, items };
}
