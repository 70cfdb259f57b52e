import type { Clock, Instant } from '../platform/clock';
import { Problem } from '../http/errors';

/** After so many failures in a row, whoever was asked about, Terra is taken to be away. */
const OUTAGE_FAILURES = 5;

/** Returns whether an error is Terra's: it could not be asked, or it refused. */
export const isOfTerra = (error: unknown): error is Problem =>
  error instanceof Problem && error.code.startsWith('terra_');

/**
 * Returns whether a failure of Terra's says nothing of the user it was asked about: no answer in time, 5xx, 429, or the
 * credentials or the endpoint refused. Any other 4xx is a refusal of that one user.
 */
export const isOutage = (problem: Problem): boolean => problem.code !== 'terra_rejected';

/**
 * The time that some work may take, and what it learnt of Terra meanwhile. A run of a schedule is one; each unit of its work
 * gets a turn of its own within it, so that neither a heavy unit nor one that Terra fails to answer for stops the others.
 */
export type Turn = {
  /** Returns whether something more may be begun. What was begun is finished. */
  hasTime(): boolean;
  /** Returns whether there is time and Terra is not known to fail. */
  mayAsk(): boolean;
  /** Returns whether Terra failed and did not answer since: in a run five times, in the turn of one unit once. */
  isUnanswered(): boolean;
  /** Asks Terra, and remembers whether it answered. A refusal is an answer. */
  ask<T>(question: () => Promise<T>): Promise<T>;
  /**
   * Returns whether Terra may be asked in the rest of the run. If it failed too often, asks it something that concerns no
   * user: a Terra that answers this failed for those users only.
   */
  isTerraAvailable(question: () => Promise<unknown>): Promise<boolean>;
  /** Returns a turn within this one, for one unit of work. */
  unit(longest: Instant): Turn;
};

/** Returns the turn of a whole run, which begins nothing more at `until`. */
export const newRun = (until: Instant, clock: Clock): Turn => newTurn(until, OUTAGE_FAILURES, clock);

type ReportingTurn = Turn & { report(isAnswer: boolean): void };

function newTurn(until: Instant, failureLimit: number, clock: Clock, parent?: ReportingTurn): ReportingTurn {
  let failuresInARow = 0;
  let probe: Promise<boolean> | undefined;

  const turn: ReportingTurn = {
    hasTime: () => clock() < until,
    isUnanswered: () => failuresInARow >= failureLimit,
    mayAsk: () => turn.hasTime() && !turn.isUnanswered() && (parent?.mayAsk() ?? true),
    report(isAnswer) {
      failuresInARow = isAnswer ? 0 : failuresInARow + 1;
      parent?.report(isAnswer);
    },
    async ask(question) {
      try {
        const answer = await question();
        turn.report(true);
        return answer;
      } catch (error) {
        if (isOfTerra(error)) turn.report(!isOutage(error));
        throw error;
      }
    },
    async isTerraAvailable(question) {
      if (!turn.isUnanswered()) return true;
      // Units that run side by side ask once, and an answer that did not come ends the asking for this run.
      probe ??= turn
        .ask(question)
        .catch(() => undefined)
        .then(() => {
          if (!turn.isUnanswered()) probe = undefined;
          return !turn.isUnanswered();
        });
      return probe;
    },
    unit: longest => newTurn(Math.min(until, clock() + longest), 1, clock, turn),
  };
  return turn;
}
