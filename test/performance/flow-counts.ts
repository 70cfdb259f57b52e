/** What happened at the endpoints around a function. */
export type Counts = {
  readonly function: string;
  /** Requests to DynamoDB. */
  readonly roundTrips: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  /** Write units of the due index, on top. */
  readonly indexWriteUnits: number;
  /** Requests to Terra's API. */
  readonly terraCalls: number;
  readonly secretFetches: number;
  readonly logLines: number;
  /** Of those lines as they go to CloudWatch, durations at their longest. */
  readonly logBytes: number;
  /** Records of the table's stream that pass the filter of `publish-changes`. */
  readonly changes: number;
  /** Events that these became. */
  readonly events: number;
};

/** One request or run, in a process that has served before unless `isCold`. */
export type Step = { readonly flow: string; readonly name: string; readonly isCold: boolean } & Counts;

export type FlowCounts = {
  readonly steps: readonly Step[];
  /** The largest session row seen once its browser had returned, times at their longest. */
  readonly returnedSessionBytes: number;
  /** What a KiB leaves for Terra's link in the largest row of a session that waits for its browser. */
  readonly linkRoomBytes: number;
  /** The longest line `publish-changes` wrote for what one request changed. */
  readonly publisherLogBytes: number;
};

/** What an owner leaves behind that the sweep must look at. */
export type Stale = 'completed session' | 'used token' | 'abandoned session' | 'unconfirmed connection';

/** What the sweep needs for each owner who left something stale, in all its runs until it need not look again. */
export type CleanupCount = {
  readonly stale: Stale;
  readonly tableRows: number;
  readonly staleOwners: number;
  /** How often something of the owner was due. */
  readonly dueRows: number;
  /** Of the index, to find what is due. */
  readonly findUnits: number;
  /** Of the table, to judge it by everything its owner has. */
  readonly judgeUnits: number;
  /** Table and index together. */
  readonly writeUnits: number;
  readonly roundTrips: number;
  readonly terraCalls: number;
};

/** What a list of one owner's connections needs. */
export type ListingCount = {
  readonly tableRows: number;
  readonly connections: number;
  readonly readUnits: number;
  readonly roundTrips: number;
};

/** Read units of one call: about a user with one connection, and about one with as many rows as are kept. */
export type OwnerCount = { readonly call: string; readonly ofOrdinary: number; readonly ofLargest: number };

/** What the daily check needs for a hundred connections. */
export type ReconcileCount = {
  readonly tableRows: number;
  readonly connections: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly roundTrips: number;
  readonly terraCalls: number;
};

/** What work on one table needs. */
export type ScaleCount = {
  readonly cleanups: readonly CleanupCount[];
  readonly listing: ListingCount;
  readonly reconcile: ReconcileCount;
};

/** How often a secret was fetched. */
export type SecretCount = {
  readonly secret: string;
  readonly coldCallers: number;
  readonly fetchesForColdCallers: number;
  readonly warmCalls: number;
  readonly fetchesForWarmCalls: number;
};
