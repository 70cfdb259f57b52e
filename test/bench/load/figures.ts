/** One step of a rising load: so many connections, each asking again as soon as it is answered. */
export type LoadStep = {
  readonly connections: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly answered: number;
  /** Answers other than 2xx, connections lost, and requests never answered. */
  readonly errors: number;
};

/** A load that rose step by step, and the step from which on more connections brought no more answers. */
export type Rise = { readonly steps: readonly LoadStep[]; readonly knee: LoadStep };

export type LoadFigures = { readonly webhooks: Rise; readonly sessions: Rise };

/** What a level does over a soak: the line fitted to its last two thirds. */
export type Trend = {
  readonly from: number;
  readonly to: number;
  /** Of the line's rise over its mean; below zero where it falls. */
  readonly growth: number;
  /** How far the readings lie from the line, as a standard deviation. */
  readonly scatter: number;
};

/**
 * | level | of what |
 * | --- | --- |
 * | `heapBytes` | the stack's own process, after a garbage collection |
 * | `residentBytes` | the stack's own process |
 * | `functionResidentBytes` | a function process, on average |
 * | `openFiles` | the stack and its function processes; 0 where there is no `/proc` |
 * | `handles` | timers, sockets and servers that keep the stack's own process alive |
 * | `functionProcesses` | their number |
 */
export type SoakLevel =
  | 'heapBytes'
  | 'residentBytes'
  | 'functionResidentBytes'
  | 'openFiles'
  | 'handles'
  | 'functionProcesses';

export type SoakFigures = Readonly<Record<SoakLevel, Trend>> & {
  readonly minutes: number;
  readonly requestsPerSecond: number;
  readonly answered: number;
  readonly errors: number;
  readonly samples: number;
  /** What grew by the rule; empty where nothing did. */
  readonly grew: readonly SoakLevel[];
};

/** What a flood of one kind of request was answered, by status. */
export type Flood = {
  readonly offeredPerSecond: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly connectionsLost: number;
  readonly unanswered: number;
  /** Of what was served. */
  readonly servedP99Ms: number;
  /** Of what was turned away with 429 or 503. */
  readonly shedP99Ms: number;
};

/** The flood several times the knee, and what was left of it afterwards. */
export type OverloadFigures = {
  /** `template`: as deployed. `lifted`: the gateway lets everything through, so that the functions' own bound is met. */
  readonly throttles: 'template' | 'lifted';
  readonly webhooks: Flood;
  readonly sessions: Flood;
  /** Webhooks that were answered 200, and those of them whose connection is in the table. */
  readonly accepted: number;
  readonly stored: number;
  /** Median of an ordinary request before the flood. */
  readonly ordinaryMs: number;
  /** From the flood's end until ordinary requests were served in the ordinary time again; null where that never came. */
  readonly recoveredAfterMs: number | null;
};

/** CPU time, which other work on the machine does not lengthen as it does the time on the clock. */
export type GatewayCpuFigures = {
  readonly rounds: number;
  readonly requestsPerRound: number;
  /** A webhook through gateway, runtime, function and table, all processes together. */
  readonly stackCpuMs: number;
  /** A bare HTTP server that makes the same call of the same table, both processes together. */
  readonly bareCpuMs: number;
  /** Median of the rounds' own ratios. */
  readonly ratio: number;
  readonly requestsPerSecond: number;
  readonly bareRequestsPerSecond: number;
};
