import { memoryStore } from '../../support/memory-store';

const HASH_KEY_BYTES = 2048;
const RANGE_KEY_BYTES = 1024;
const ITEM_BYTES = 400 * 1024;

/** As the AWS SDK throws it. */
const invalid = () =>
  Object.assign(new Error('too large or empty'), { name: 'ValidationException', $metadata: {}, $fault: 'client' });

/** The store in memory that refuses what DynamoDB refuses: empty and overlong keys, and items above 400 KB. */
export function strictStore() {
  const store = memoryStore();
  const { items } = store;
  const written = { times: 0 };
  const keep = items.set.bind(items);
  items.set = (key, item) => {
    const isTooLarge = Buffer.byteLength(JSON.stringify(item)) > ITEM_BYTES;
    if (isTooLarge || Buffer.byteLength(item.item) > RANGE_KEY_BYTES) throw invalid();
    written.times++;
    return keep(key, item);
  };
  const forget = items.delete.bind(items);
  items.delete = key => {
    written.times++;
    return forget(key);
  };
  const named = (owner: string) => {
    const bytes = Buffer.byteLength(owner);
    if (bytes === 0 || bytes > HASH_KEY_BYTES) throw invalid();
    return owner;
  };
  return {
    ...store,
    /** How often anything was written. */
    written,
    load: async (owner: string) => store.load(named(owner)),
    findSession: async (owner: string, id: string) => store.findSession(named(owner), id),
    addSessionFact: async (...[owner, ...rest]: Parameters<typeof store.addSessionFact>) =>
      store.addSessionFact(named(owner), ...rest),
  };
}
