import type { Clock, Instant } from '../platform/clock';
import { Problem } from '../http/errors';

/** After this many failures in a row, for whatever users, Terra counts as unavailable. */
const OUTAGE_FAILURES = 5;

/** Returns whether an error comes from Terra: no answer, or a refusal. */
export const isOfTerra = (error: unknown): error is Problem =>
  error instanceof Problem && error.code.startsWith('terra_');

/**
 * Returns whether an error of Terra's does not depend on the user: a timeout, 5xx, 429, or refused credentials or endpoint. Any
 * other 4xx is a refusal for that user.
 */
export const isOutage = (problem: Problem): boolean => problem.code !== 'terra_rejected';

/**
 * A time budget for calls to Terra, which also counts Terra's failures. A scheduled run is one turn. Each unit of work gets its own
 * turn within it, so that neither a slow unit nor one for which Terra fails stops the others.
 */
export type Turn = {
  /** Returns whether new work may start. Work that has started is finished. */
  hasTime(): boolean;
  /** Returns whether there is time left and Terra is not failing. */
  mayAsk(): boolean;
  /** Returns whether Terra failed without an answer since: five times in a run, once in the turn of one unit. */
  isUnanswered(): boolean;
  /** Calls Terra and counts a failure. A refusal is an answer. */
  ask<T>(question: () => Promise<T>): Promise<T>;
  /**
   * Returns whether Terra is available for the rest of the run. After too many failures it sends `question`, which must not
   * concern a user: if Terra answers, it failed only for those users.
   */
  isTerraAvailable(question: () => Promise<unknown>): Promise<boolean>;
  /** Returns a turn of at most `longest` ms within this one, for one unit of work. */
  unit(longest: Instant): Turn;
};

/** Returns the turn of a scheduled run, which starts nothing new after `until`. */
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
      // Concurrent units share one request. If it fails, Terra is not asked again in this run.
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
