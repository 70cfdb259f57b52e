import { partitionOf, shardOf } from '../../functions/core/items';
import type { MintRow } from '../../functions/core/mint';
import { AUTHORISED_LIMIT, type SessionRow } from '../../functions/core/session';
import type { Fingerprint, ReconcileProgress, SessionFact, Store } from '../../functions/core/store';
import { itemKey } from '../../functions/core/table';

type Item = Record<string, unknown> & { owner: string; item: string };

/** The store in memory: the twin of the one on DynamoDB, held to the same contract (test/core/store.test.ts). */
export function memoryStore() {
  const items = new Map<string, Item>();
  const key = (owner: string, item: string) => JSON.stringify([owner, item]);
  const find = <T>(owner: string, item: string) =>
    structuredClone(items.get(key(owner, item))) as (T & Item) | undefined;
  const save = (row: Item) => void items.set(key(row.owner, row.item), withoutUndefined(structuredClone(row)));
  let fingerprint: Fingerprint | undefined;
  let progress: ReconcileProgress | undefined;

  const store: Store = {
    load: async owner =>
      partitionOf(
        owner,
        // Parsing copies what it reads.
        [...items.values()].filter(item => item.owner === owner),
      ),
    findSession: async (owner, id) => (await store.load(owner)).sessions.find(session => session.id === id),
    openSession: async (session, attempt) => place({ ...session, item: itemKey.session(session.id) }, attempt),
    claimSession: async (claim, attempt) => place({ ...claim, item: itemKey.session(claim.id) }, attempt),
    addSessionFact: async (owner, id, fact, dueAt, seenDueAt) => {
      const session = find<SessionRow>(owner, itemKey.session(id));
      if (!session || !('stateHash' in session)) return { written: false, session: undefined };
      if (!mayAdd(session, fact)) return { written: false, session: await store.findSession(owner, id) };
      const isDueByThen = [seenDueAt, session.dueAt].every(
        at => at !== undefined && dueAt !== undefined && at <= dueAt,
      );
      const due = dueAt === undefined || isDueByThen ? {} : { dueAt };
      const next = { ...withFact(session, fact), version: session.version + 1, ...due };
      save({ ...next, item: session.item });
      return { written: true, session: (await store.findSession(owner, id)) ?? next };
    },
    reschedule: async (item, { owner, version }, dueAt) => {
      const row = find<{ version: number }>(owner, item);
      if (row?.version !== version) return false;
      save({ ...row, dueAt });
      return true;
    },
    putConnection: async (row, readVersion) => {
      const item = itemKey.connection(row.terraUserId);
      if ((find<{ version: number }>(row.owner, item)?.version ?? 0) !== readVersion) return false;
      save({ ...row, item });
      return true;
    },
    addMint: async mint => place({ ...mint, item: itemKey.mint(mint.id) }),
    useMint: async (owner, id, use, dueAt) => {
      const mint = find<MintRow>(owner, itemKey.mint(id));
      if (mint && !mint.usedBy) save({ ...mint, usedBy: use, dueAt, version: mint.version + 1 });
      return find<MintRow>(owner, itemKey.mint(id));
    },
    beginErasure: async erasure => {
      const there = find<{ requestedAt: number }>(erasure.owner, itemKey.erasure);
      if (there && there.requestedAt >= erasure.requestedAt) return false;
      save({ ...erasure, item: itemKey.erasure });
      return true;
    },
    remove: async (owner, item, version) => {
      const there = find<{ version?: number }>(owner, item);
      if (!there || (version !== undefined && there.version !== version)) return false;
      return items.delete(key(owner, item));
    },
    countUse: async (owner, kind, window, limit, purgeAt) => {
      const item = itemKey.quota(kind, window);
      const used = find<{ used: number }>(owner, item)?.used ?? 0;
      if (used >= limit) return false;
      save({ owner, item, used: used + 1, purgeAt });
      return true;
    },
    rememberFingerprint: async ours => {
      const known = fingerprint ?? ours;
      const naming = known.naming ?? (known.key === ours.key ? ours.naming : undefined);
      return (fingerprint = { key: known.key, ...(naming !== undefined && { naming }) });
    },
    findFingerprint: async () => fingerprint,
    scanConnections: async cursor => {
      const all = [...items.values()].filter(({ item }) => item.startsWith(itemKey.connection('')));
      const from = Number(cursor ?? 0);
      const page = all
        .slice(from, from + 50)
        .flatMap(({ owner, ...row }) => partitionOf(owner, [{ owner, ...row }]).connections);
      return { rows: structuredClone(page), cursor: from + 50 < all.length ? String(from + 50) : undefined };
    },
    reconcileProgress: async () => progress,
    saveReconcileProgress: async next => {
      if (!progress || progress.startedAt <= next.startedAt) progress = next;
    },
    due: async (shard, until) => {
      const due = [...items.values()].filter(row => shardOf(row.owner) === shard && Number(row.dueAt) <= until);
      return {
        due: due.toSorted((a, b) => Number(a.dueAt) - Number(b.dueAt)).map(({ owner, item }) => ({ owner, item })),
        cursor: undefined,
      };
    },
  };

  function place(row: Item, attempt?: string): boolean {
    const there = find<{ attempt?: string }>(row.owner, row.item);
    const isFree = attempt === undefined ? !there : there?.attempt === attempt && !('stateHash' in there);
    if (isFree) save(row);
    return isFree;
  }

  return { ...store, items };
}

export type MemoryStore = ReturnType<typeof memoryStore>;

function mayAdd(session: SessionRow, fact: SessionFact): boolean {
  const isOpen = !session.closed;
  switch (fact.kind) {
    case 'returned':
    case 'failed': {
      const isLive = session.stateHash === fact.stateHash && session.finishBy >= fact.at;
      const isNew = !session.returned && !session.wrongOwner && !(fact.kind === 'failed' && session.failed);
      return isOpen && isLive && isNew;
    }
    case 'cancelled':
      return isOpen && !session.cancelled;
    case 'redeemed':
      return isOpen && session.returned?.codeHash === fact.codeHash && !session.redeemed && !session.wrongOwner;
    case 'wrongOwner':
      return session.returned?.codeHash === fact.codeHash && !session.wrongOwner;
    case 'authorised': {
      const known = session.authorised[fact.terraUserId];
      return isOpen && (known ? known.at < fact.at : Object.keys(session.authorised).length < AUTHORISED_LIMIT);
    }
    case 'closed':
      return isOpen && session.version === fact.version;
    default:
      return fact satisfies never;
  }
}

function withFact(session: SessionRow, fact: SessionFact): SessionRow {
  const { at } = fact;
  switch (fact.kind) {
    case 'returned': {
      const { url: _, ...rest } = session;
      return { ...rest, returned: { at, terraUserId: fact.terraUserId, codeHash: fact.codeHash } };
    }
    case 'failed':
    case 'cancelled':
      return { ...session, [fact.kind]: { at, cause: fact.cause } };
    case 'redeemed':
    case 'wrongOwner':
      return { ...session, [fact.kind]: { at } };
    case 'authorised':
      return {
        ...session,
        authorised: {
          ...session.authorised,
          [fact.terraUserId]: { at, provider: fact.provider, scopes: fact.scopes && [...fact.scopes] },
        },
      };
    case 'closed': {
      const { dueAt: _, ...rest } = session;
      return { ...rest, closed: { at } };
    }
    default:
      return fact satisfies never;
  }
}

const withoutUndefined = (row: Item): Item =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)) as Item;
