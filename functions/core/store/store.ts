import type { Instant } from '../platform/clock';
import type { ConnectionRow } from '../state/connection';
import type { ErasureRow } from '../state/tombstone';
import type { TokenRecord } from '../state/token-record';
import type { OwnerRecords } from '../state/owner-records';
import type { ReportedEnds } from '../state/reported-ends';
import type { Authorisation, Claim, FailureCause, ReturnBrowser, SessionRow } from '../state/session';
import type { QuotaKind } from './table';

/**
 * Why a return counts as coming after the authentication. `recorded`: the session has the Terra user's authentication. `foundNow`:
 * Terra just confirmed one. `not_asked`: Terra could not be asked, or did not say when it created the user.
 */
export type ReturnEvidence = 'recorded' | { foundNow: Authorisation } | 'not_asked';

/** A fact to add to a session. Each kind is written once, except that `authorised` and the lists of `refused` grow. */
export type SessionFact =
  /** Terra is about to be asked about the Terra user of a return. Not written after `RETURN_LOOKUP_LIMIT` times. */
  | { kind: 'asked'; at: Instant; stateHash: string }
  | {
      kind: 'returned';
      at: Instant;
      terraUserId: string;
      codeHash: string;
      stateHash: string;
      evidence: ReturnEvidence;
      browser?: ReturnBrowser | undefined;
    }
  /** The browser opened the failure URL, which may name the Terra user. */
  | { kind: 'failed'; at: Instant; cause: FailureCause; terraUserId: string | undefined; stateHash: string }
  /** Terra reported a failure. `cause` is set only if the failure certainly belongs to this session. */
  | { kind: 'refused'; at: Instant; terraUserId: string | undefined; cause: FailureCause | undefined }
  | { kind: 'redeemed'; at: Instant; codeHash: string }
  /** The authorisation, merged with the one that the session has at this version. */
  | { kind: 'authorised'; at: Instant; terraUserId: string; authorisation: Authorisation; version: number }
  /** Another user redeemed the code before the owner did. */
  | { kind: 'wrongOwner'; at: Instant; codeHash: string }
  /** Another browser returned with the same Terra user, whether or not the code has been redeemed. */
  | { kind: 'otherBrowser'; at: Instant; codeHash: string }
  /** Written only if the session is still at this version. */
  | { kind: 'closed'; at: Instant; version: number; purgeAt: number };

/** The session after the write, or as stored if the condition was not met. Undefined: no readable session. */
export type FactWritten = { written: true; session: SessionRow } | { written: false; session: SessionRow | undefined };

/** A row in the due index. */
export type DueKey = { owner: string; item: string; dueAt: Instant };

type DuePage = { due: DueKey[]; cursor: string | undefined };

/** The progress of the daily check of all connections. */
export type ReconcileProgress = { startedAt: Instant; cursor: string | undefined; isDone: boolean };

/** Identifies the key and settings that all reference ids depend on. */
export type Fingerprint = {
  /** Hash of the reference-id key. */
  key: string;
  /** Mode and namespace of the reference ids. Absent if only versions without this field used the table. */
  naming?: string | undefined;
};

/**
 * Reads and writes of the table. Every write is conditional and changes one row; it returns `false` or `written: false` if the
 * condition was not met, and throws on any other error. No write removes what a later version stored, or overwrites a row that
 * cannot be read.
 */
export type Store = {
  /** Reads all records of one owner, strongly consistent. */
  load(owner: string): Promise<OwnerRecords>;
  findConnection(owner: string, terraUserId: string): Promise<ConnectionRow | undefined>;
  findSession(owner: string, id: string): Promise<SessionRow | undefined>;
  /** Stores a new session if its id is free, or with `attempt` if that attempt still holds the claim. */
  openSession(session: SessionRow, attempt?: string): Promise<boolean>;
  /** Stores a claim if the id is free, or still claimed by the attempt `held`. */
  claimSession(claim: Claim, held: string | undefined): Promise<boolean>;
  /**
   * Adds a fact if its condition is met. The session becomes due at `dueAt`, unless it was already due by then when it was read
   * (`readDueAt`) and still is, because moving it within the index costs two more writes.
   */
  addSessionFact(
    owner: string,
    id: string,
    fact: SessionFact,
    dueAt: Instant | undefined,
    readDueAt?: Instant,
  ): Promise<FactWritten>;
  /** Sets or removes `dueAt` of a row if it is still at this version (undefined: of a row whose version cannot be read). */
  reschedule(
    item: string,
    row: { owner: string; version: number | undefined },
    dueAt: Instant | undefined,
  ): Promise<boolean>;
  /** Sets `dueAt` of a row that could not be read, if its `dueAt` is still that of the key. */
  postpone(key: DueKey, dueAt: Instant): Promise<boolean>;
  /** Stores a connection if the stored row still has the version of `before` (undefined: if there is none). */
  putConnection(row: ConnectionRow, before: ConnectionRow | undefined): Promise<boolean>;
  addTokenRecord(tokenRecord: TokenRecord): Promise<boolean>;
  /** Marks a token as used by a Terra user unless it is used already. Returns the stored token record. */
  useTokenRecord(
    owner: string,
    id: string,
    use: NonNullable<TokenRecord['usedBy']>,
    due: { dueAt: Instant; purgeAt: number },
  ): Promise<TokenRecord | undefined>;
  /** Stores the tombstone of an owner unless there is a newer one. */
  beginErasure(erasure: ErasureRow): Promise<boolean>;
  /** Deletes a row if it is still at this version (undefined: a row without a version). */
  remove(owner: string, item: string, version: number | undefined): Promise<boolean>;
  /** Counts one use in the window. Returns false if `limit` is reached. */
  countUse(owner: string, kind: QuotaKind, window: number, limit: number, purgeAt: number): Promise<boolean>;
  /** Stores the fields that are missing, unless another key is stored. Returns the stored fingerprint. */
  rememberFingerprint(fingerprint: Required<Fingerprint>): Promise<Fingerprint>;
  findFingerprint(): Promise<Fingerprint | undefined>;
  /** Reads a page of all connections, in no order and not strongly consistent. */
  scanConnections(cursor: string | undefined): Promise<{ rows: ConnectionRow[]; cursor: string | undefined }>;
  /** Reads a page of all rows. Returns how many there are and which this version cannot read. */
  scanUnreadable(
    cursor: string | undefined,
  ): Promise<{ looked: number; unreadable: { owner: string; item: string }[]; cursor: string | undefined }>;
  /** Returns undefined if there is none or it cannot be read. */
  reconcileProgress(): Promise<ReconcileProgress | undefined>;
  saveReconcileProgress(progress: ReconcileProgress): Promise<void>;
  reportedEnds(): Promise<ReportedEnds | undefined>;
  /** Stores the row of reported ends if it is still at this version (0: if there is none). */
  saveReportedEnds(ends: ReportedEnds, readVersion: number): Promise<boolean>;
  /** Reads a page of the rows of one shard that are due by `until`, earliest first. */
  due(shard: string, until: Instant, cursor?: string): Promise<DuePage>;
};
