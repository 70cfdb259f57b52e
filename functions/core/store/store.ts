import type { Instant } from '../platform/clock';
import type { ConnectionRow } from '../state/connection';
import type { ErasureRow } from '../state/tombstone';
import type { TokenRecord } from '../state/token-record';
import type { OwnerRecords } from '../state/owner-records';
import type { ReportedEnds } from '../state/reported-ends';
import type { Authorisation, Claim, FailureCause, ReturnBrowser, SessionRow } from '../state/session';
import type { QuotaKind } from './table';

/**
 * How a return is known to follow an authentication: the session already has one of this Terra user; Terra answered with one
 * just now; or Terra could not be asked, or did not say when it made the user.
 */
export type ReturnEvidence = 'recorded' | { foundNow: Authorisation } | 'not_asked';

/** Something that became true of a session. Each is written at most once; `authorised` grows, and so do the lists of `refused`. */
export type SessionFact =
  /** Terra is about to be asked about the Terra user of a return; refused once that happened too often. */
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
  /** The browser came to the failure URL, perhaps with the Terra user of the attempt. */
  | { kind: 'failed'; at: Instant; cause: FailureCause; terraUserId: string | undefined; stateHash: string }
  /** Terra reported a failure. `cause` is stored only if the failure is known to be this session's. */
  | { kind: 'refused'; at: Instant; terraUserId: string | undefined; cause: FailureCause | undefined }
  | { kind: 'redeemed'; at: Instant; codeHash: string }
  /** The authorisation as merged with the one in the session at this version. */
  | { kind: 'authorised'; at: Instant; terraUserId: string; authorisation: Authorisation; version: number }
  /** Another user brought the code before the owner did. */
  | { kind: 'wrongOwner'; at: Instant; codeHash: string }
  /** Another browser returned with the same Terra user, whether or not the code has been redeemed. */
  | { kind: 'otherBrowser'; at: Instant; codeHash: string }
  /** Only while the session is as it was when it was judged. */
  | { kind: 'closed'; at: Instant; version: number; purgeAt: number };

/** The session after the write; or, where its condition did not hold, as it stands (undefined: there is none that can be read). */
export type FactWritten = { written: true; session: SessionRow } | { written: false; session: SessionRow | undefined };

/** A row in the due index. */
export type DueKey = { owner: string; item: string; dueAt: Instant };

/** A page of the due index. */
export type DuePage = { due: DueKey[]; cursor: string | undefined };

/** Where the check of all connections stands. */
export type ReconcileProgress = { startedAt: Instant; cursor: string | undefined; isDone: boolean };

/** What every reference id depends on. */
export type Fingerprint = {
  /** Of the reference-id key. */
  key: string;
  /** Mode and namespace of the reference ids. Absent if only versions that do not know it have used the table. */
  naming?: string | undefined;
};

/**
 * The verbs the domain asks of the table. Every write is conditional and touches one row; `false` or `written: false`
 * means that what the writer believed no longer holds. Anything else that goes wrong throws. No write takes away what a later
 * version stored, nor writes over a row that cannot be read.
 */
export type Store = {
  /** Everything of one owner, strongly consistent. */
  load(owner: string): Promise<OwnerRecords>;
  /** One connection, strongly consistent. */
  findConnection(owner: string, terraUserId: string): Promise<ConnectionRow | undefined>;
  /** One session, strongly consistent. */
  findSession(owner: string, id: string): Promise<SessionRow | undefined>;
  /** Stores a new session, unless the id is taken; under a claim, only while that attempt holds it. */
  openSession(session: SessionRow, attempt?: string): Promise<boolean>;
  /** Holds the place of a session to be opened: if it is free, or still held by the attempt `held`. */
  claimSession(claim: Claim, held: string | undefined): Promise<boolean>;
  /**
   * Adds a fact under the fact's own condition. The session becomes due at `dueAt`, unless it was due no later when it was
   * read (`seenDueAt`) and still is: to move it within the index would cost two more writes.
   */
  addSessionFact(
    owner: string,
    id: string,
    fact: SessionFact,
    dueAt: Instant | undefined,
    seenDueAt?: Instant,
  ): Promise<FactWritten>;
  /**
   * Sets when the sweep looks at a row next (undefined: no more), if it is still at this version (undefined: for rows of which
   * none can be read).
   */
  reschedule(
    item: string,
    row: { owner: string; version: number | undefined },
    dueAt: Instant | undefined,
  ): Promise<boolean>;
  /** Sets when the sweep looks next at a row that it could not read, if the row is still due when it was. */
  postpone(key: DueKey, dueAt: Instant): Promise<boolean>;
  /** Stores the row if the stored one is still at the version it was read at (undefined: if there is none). */
  putConnection(row: ConnectionRow, before: ConnectionRow | undefined): Promise<boolean>;
  addTokenRecord(tokenRecord: TokenRecord): Promise<boolean>;
  /** Lets a Terra user use up the mint, if nobody has; the mint after the write, or as it stands. */
  useTokenRecord(
    owner: string,
    id: string,
    use: NonNullable<TokenRecord['usedBy']>,
    due: { dueAt: Instant; purgeAt: number },
  ): Promise<TokenRecord | undefined>;
  /** Puts up the tombstone of an owner, or makes its request the newer one. */
  beginErasure(erasure: ErasureRow): Promise<boolean>;
  /** Deletes a row, if it is still at this version (undefined: for rows that have none). */
  remove(owner: string, item: string, version: number | undefined): Promise<boolean>;
  /** Counts one use in the window, if fewer than `limit` were counted. */
  countUse(owner: string, kind: QuotaKind, window: number, limit: number, purgeAt: number): Promise<boolean>;
  /** Stores what is not stored yet, unless the stored key is another one. Returns what is stored then. */
  rememberFingerprint(fingerprint: Required<Fingerprint>): Promise<Fingerprint>;
  /** Returns the stored fingerprint, if any. */
  findFingerprint(): Promise<Fingerprint | undefined>;
  /** A page of all connections there are, in no order and not strongly consistent. */
  scanConnections(cursor: string | undefined): Promise<{ rows: ConnectionRow[]; cursor: string | undefined }>;
  /** A page of all rows there are: how many, and which of them this version cannot read. */
  scanUnreadable(
    cursor: string | undefined,
  ): Promise<{ looked: number; unreadable: { owner: string; item: string }[]; cursor: string | undefined }>;
  /** Where the check stands; undefined if there was none, or if what is stored cannot be read. */
  reconcileProgress(): Promise<ReconcileProgress | undefined>;
  saveReconcileProgress(progress: ReconcileProgress): Promise<void>;
  reportedEnds(): Promise<ReportedEnds | undefined>;
  /** Stores the row of reported ends if the stored one is still at this version (0: if there is none). */
  saveReportedEnds(ends: ReportedEnds, readVersion: number): Promise<boolean>;
  /** What is due by `until`, in one shard, earliest first. */
  due(shard: string, until: Instant, cursor?: string): Promise<DuePage>;
};
