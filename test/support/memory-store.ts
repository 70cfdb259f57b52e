import type { ConnectionRow } from '../../functions/core/state/connection';
import type { ErasureRow } from '../../functions/core/state/tombstone';
import {
  connectionUpdate,
  findingsIn,
  toOwnerRecords,
  type RowFindings,
  type RowUpdate,
  schemaOf,
  shardOf,
} from '../../functions/core/store/items';
import type { TokenRecord } from '../../functions/core/state/token-record';
import type { OwnerRecords } from '../../functions/core/state/owner-records';
import type { ReportedEnds } from '../../functions/core/state/reported-ends';
import {
  AUTHORISED_LIMIT,
  type Claim,
  REFUSAL_LIMIT,
  RETURN_LOOKUP_LIMIT,
  type SessionRow,
} from '../../functions/core/state/session';
import type { Fingerprint, ReconcileProgress, SessionFact, Store } from '../../functions/core/store/store';
import { itemKey, readItemKey, reportedEndsKey, scanCursor } from '../../functions/core/store/table';

type Item = Record<string, unknown> & { owner: string; item: string; schema?: number | undefined };

/**
 * The store in memory: the twin of the one on DynamoDB, held to the same contract (test/core/store.test.ts). It parses what it
 * reads, as the other does; proofs that run a million histories leave that out, since nothing in them writes other rows.
 */
export function memoryStore({
  parses = true,
  found = () => {},
}: {
  parses?: boolean;
  found?: (findings: RowFindings) => void;
} = {}) {
  const items = new Items();
  const key = (owner: string, item: string) => JSON.stringify([owner, item]);
  const copy = <T>(row: T): T => (parses ? structuredClone(row) : row);
  const find = <T>(owner: string, item: string) => copy(items.get(key(owner, item))) as (T & Item) | undefined;
  const save = (row: Item) =>
    void items.set(key(row.owner, row.item), withoutUndefined({ ...copy(row), schema: schemaOf(row) }));
  let fingerprint: Fingerprint | undefined;
  let progress: ReconcileProgress | undefined;
  /** The order of the scan that began last: it goes on from any place in it, whatever is deleted meanwhile. */
  let scan = new Map<string, { owner: string; item: string; at: number }>();
  let scanned: { owner: string; item: string; at: number }[] = [];

  function read(owner: string, own: readonly Item[]): OwnerRecords {
    const records = toOwnerRecords(owner, own);
    const findings = findingsIn(records);
    if (findings) found(findings);
    return records;
  }

  const store: Store = {
    load: async owner => {
      const own = [...(items.byOwner.get(owner)?.values() ?? [])];
      // Parsing copies what it reads.
      return parses ? read(owner, own) : sorted(owner, own);
    },
    findSession: async (owner, id) => {
      const stored = items.get(key(owner, itemKey.session(id)));
      return stored && (parses ? read(owner, [stored]) : sorted(owner, [stored])).sessions[0];
    },
    findConnection: async (owner, terraUserId) => {
      const stored = items.get(key(owner, itemKey.connection(terraUserId)));
      return stored && (parses ? read(owner, [stored]) : sorted(owner, [stored])).connections[0];
    },
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
      const written = await store.findSession(owner, id);
      return written ? { written: true, session: written } : { written: false, session: written };
    },
    reschedule: async (item, { owner, version }, dueAt) => {
      const row = find<{ version: number }>(owner, item);
      if (!row || (version !== undefined && row.version !== version)) return false;
      save({ ...row, dueAt });
      return true;
    },
    postpone: async ({ owner, item, dueAt: seen }, dueAt) => {
      const row = find<{ dueAt?: number }>(owner, item);
      if (row?.dueAt !== seen) return false;
      save({ ...row, dueAt });
      return true;
    },
    putConnection: async (row, before) => {
      const item = itemKey.connection(row.terraUserId);
      const there = find<{ version: number }>(row.owner, item);
      if (there ? there.version !== before?.version : before !== undefined) return false;
      save(updated(there ?? { owner: row.owner, item }, connectionUpdate(row, before)));
      return true;
    },
    addTokenRecord: async tokenRecord => place({ ...tokenRecord, item: itemKey.mint(tokenRecord.id) }),
    useTokenRecord: async (owner, id, use, { dueAt, purgeAt }) => {
      const tokenRecord = find<TokenRecord>(owner, itemKey.mint(id));
      if (tokenRecord && 'expiresAt' in tokenRecord && !tokenRecord.usedBy)
        save({ ...tokenRecord, usedBy: use, dueAt, purgeAt, version: tokenRecord.version + 1 });
      const stored = items.get(key(owner, itemKey.mint(id)));
      return stored && (parses ? read(owner, [stored]) : sorted(owner, [stored])).tokenRecords[0];
    },
    beginErasure: async erasure => {
      const there = find<{ requestedAt: unknown }>(erasure.owner, itemKey.erasure);
      if (typeof there?.requestedAt === 'number' && there.requestedAt >= erasure.requestedAt) return false;
      save({ ...there, dueAt: undefined, ...erasure, item: itemKey.erasure });
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
      save({ ...find(owner, item), owner, item, used: used + 1, purgeAt });
      return true;
    },
    rememberFingerprint: async ours => {
      const known = fingerprint ?? ours;
      const naming = known.naming ?? (known.key === ours.key ? ours.naming : undefined);
      return (fingerprint = { key: known.key, ...(naming !== undefined && { naming }) });
    },
    findFingerprint: async () => fingerprint,
    scanConnections: async cursor => {
      if (cursor === undefined || !scan.has(cursor)) {
        scan = new Map();
        for (const { owner, item } of items.values()) scan.set(scanCursor(owner, item), { owner, item, at: scan.size });
        scanned = [...scan.values()];
      }
      const from = cursor === undefined ? 0 : (scan.get(cursor)?.at ?? -1) + 1;
      const page: ConnectionRow[] = [];
      let seen = 0;
      for (const { owner, item, at } of scanned.slice(from)) {
        if (!item.startsWith(itemKey.connection(''))) continue;
        const row = find<Item>(owner, item);
        if (row) page.push(...read(owner, [row]).connections);
        if (++seen === 50) return { rows: page, cursor: at + 1 < scanned.length ? scanCursor(owner, item) : undefined };
      }
      return { rows: page, cursor: undefined };
    },
    scanUnreadable: async () => {
      const all = [...items.values()];
      const unreadable = all.filter(row => toOwnerRecords(row.owner, [row]).unreadable.length > 0);
      return {
        looked: all.length,
        unreadable: unreadable.map(({ owner, item }) => ({ owner, item })),
        cursor: undefined,
      };
    },
    reconcileProgress: async () => progress,
    saveReconcileProgress: async next => {
      if (!progress || progress.startedAt <= next.startedAt) progress = next;
    },
    reportedEnds: async () => {
      const row = find<ReportedEnds>(reportedEndsKey.owner, reportedEndsKey.item);
      return row && { ends: row.ends, search: row.search, purgeAt: row.purgeAt, version: row.version };
    },
    saveReportedEnds: async (ends, readVersion) => {
      const known = find<ReportedEnds>(reportedEndsKey.owner, reportedEndsKey.item);
      if ((known?.version ?? 0) !== readVersion) return false;
      save({ ...ends, ...reportedEndsKey });
      return true;
    },
    due: async (shard, until) => {
      const due = [...items.values()].filter(row => Number(row.dueAt) <= until && shardOf(row.owner) === shard);
      return {
        due: due
          .map(({ owner, item, dueAt }) => ({ owner, item, dueAt: Number(dueAt) }))
          .toSorted((a, b) => a.dueAt - b.dueAt),
        cursor: undefined,
      };
    },
  };

  function place(row: Item, attempt?: string): boolean {
    const there = find<{ attempt?: string }>(row.owner, row.item);
    const isFree = attempt === undefined ? !there : there?.attempt === attempt && !('stateHash' in there);
    const { claimedAt: _, attempt: _held, ...kept } = { claimedAt: 0, ...there };
    if (isFree) save({ ...kept, ...row });
    return isFree;
  }

  return { ...store, items: items as Map<string, Item> };
}

/** The row with attributes set and removed by their paths, of which none is longer than two names. */
function updated(row: Item, { set, remove }: RowUpdate): Item {
  const next: Record<string, unknown> = { ...row };
  const place = ([first = '', second]: string[]): [Record<string, unknown>, string] => {
    if (second === undefined) return [next, first];
    const inner = { ...(next[first] as Record<string, unknown>) };
    next[first] = inner;
    return [inner, second];
  };
  for (const [path, value] of set) {
    const [at, name] = place(path);
    at[name] = value;
  }
  for (const path of remove) {
    const [at, name] = place(path);
    delete at[name];
  }
  return next as Item;
}

/** The records of an owner, as they were stored. */
function sorted(owner: string, items: readonly Item[]): OwnerRecords {
  const of = <T>(kind: string) => items.filter(({ item }) => readItemKey(item)?.kind === kind) as unknown as T[];
  const sessions = of<SessionRow | Claim>('session');
  return {
    owner,
    known: items.length > 0,
    sessions: sessions.filter((row): row is SessionRow => 'stateHash' in row),
    claims: sessions.filter((row): row is Claim => !('stateHash' in row)),
    quotas: of<Item>('quota').map(({ item }) => item),
    erasure: of<ErasureRow>('erasure')[0],
    tokenRecords: of('mint'),
    connections: of('connection'),
    unreadable: [],
  };
}

/** All items, and those of each owner, so that a read costs what the owner has. */
class Items extends Map<string, Item> {
  readonly byOwner = new Map<string, Map<string, Item>>();

  override set(key: string, item: Item): this {
    const own = this.byOwner.get(item.owner) ?? new Map<string, Item>();
    this.byOwner.set(item.owner, own.set(key, item));
    return super.set(key, item);
  }

  override delete(key: string): boolean {
    const owner = this.get(key)?.owner;
    if (owner !== undefined) this.byOwner.get(owner)?.delete(key);
    return super.delete(key);
  }

  override clear(): void {
    this.byOwner.clear();
    super.clear();
  }
}

export type MemoryStore = ReturnType<typeof memoryStore>;

function mayAdd(session: SessionRow, fact: SessionFact): boolean {
  const isOpen = !session.closed;
  switch (fact.kind) {
    case 'asked':
      return isReturnable(session, fact) && (session.asked ?? 0) < RETURN_LOOKUP_LIMIT;
    case 'returned': {
      const isKnown = session.authorised[fact.terraUserId] !== undefined;
      const isEvident = fact.evidence === 'not_asked' || isKnown === (fact.evidence === 'recorded');
      return isReturnable(session, fact) && isEvident;
    }
    case 'failed':
      return (
        isReturnable(session, fact) &&
        (!session.failed || (fact.terraUserId !== undefined && mayRefuse(session.refusedUsers, fact.terraUserId)))
      );
    case 'refused': {
      const isNew =
        fact.terraUserId === undefined
          ? mayRefuse(session.refusedAt, fact.at)
          : mayRefuse(session.refusedUsers, fact.terraUserId);
      return isOpen && (isNew || (fact.cause !== undefined && !session.cancelled));
    }
    case 'redeemed':
      return isOpen && session.returned?.codeHash === fact.codeHash && !session.redeemed && !session.wrongOwner;
    case 'wrongOwner':
    case 'otherBrowser': {
      const isTooLate = fact.kind === 'wrongOwner' && session.redeemed !== undefined;
      return session.returned?.codeHash === fact.codeHash && !session.wrongOwner && !isTooLate;
    }
    case 'authorised': {
      const hasPlace = [session.returned?.terraUserId, session.terraUserId].includes(fact.terraUserId);
      const isThere = session.authorised[fact.terraUserId] !== undefined;
      const hasRoom = isThere || hasPlace || Object.keys(session.authorised).length < AUTHORISED_LIMIT;
      return isOpen && session.version === fact.version && hasRoom;
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
    case 'asked':
      return { ...session, asked: (session.asked ?? 0) + 1 };
    case 'returned': {
      const { url: _, ...rest } = session;
      const { terraUserId, codeHash, browser, evidence } = fact;
      const found = typeof evidence === 'object' ? { [terraUserId]: evidence.foundNow } : {};
      return {
        ...rest,
        authorised: { ...session.authorised, ...found },
        returned: { at, terraUserId, codeHash, ...(browser && { browser }) },
      };
    }
    case 'failed': {
      const failed = {
        at,
        cause: fact.cause,
        ...(fact.terraUserId !== undefined && { terraUserId: fact.terraUserId }),
      };
      return { failed, ...session, ...withRefusal(session, fact.terraUserId) };
    }
    case 'refused': {
      const cancelled = fact.cause && { cancelled: { at, cause: fact.cause } };
      return { ...cancelled, ...session, ...withRefusal(session, fact.terraUserId ?? at) };
    }
    case 'redeemed':
      return { ...session, redeemed: { at } };
    case 'wrongOwner':
    case 'otherBrowser':
      return { ...session, wrongOwner: { at } };
    case 'authorised':
      return { ...session, authorised: { ...session.authorised, [fact.terraUserId]: fact.authorisation } };
    case 'closed': {
      const { dueAt: _, ...rest } = session;
      return { ...rest, closed: { at }, purgeAt: fact.purgeAt };
    }
    default:
      return fact satisfies never;
  }
}

function isReturnable(session: SessionRow, { at, stateHash }: { at: number; stateHash: string }): boolean {
  const isLive = session.stateHash === stateHash && session.finishBy >= at;
  return isLive && !session.closed && !session.returned && !session.wrongOwner;
}

const mayRefuse = <T>(list: readonly T[] | undefined, refused: T): boolean =>
  !list || (!list.includes(refused) && list.length < REFUSAL_LIMIT);

function withRefusal(session: SessionRow, refused: string | number | undefined): Partial<SessionRow> {
  if (typeof refused === 'string') return { refusedUsers: [...(session.refusedUsers ?? []), refused] };
  return refused === undefined ? {} : { refusedAt: [...(session.refusedAt ?? []), refused] };
}

const withoutUndefined = (row: Item): Item =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)) as Item;
