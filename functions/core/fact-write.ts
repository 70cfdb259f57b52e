import { AUTHORISED_LIMIT } from './session';
import type { SessionFact } from './store';

/** How a session fact is written: what is set and removed, and the clauses that must all hold. */
export type FactWrite = {
  set: string[];
  remove?: string[];
  condition: string[];
  names?: Record<string, string>;
  values: Record<string, unknown>;
};

const OPEN = ['attribute_not_exists(closed)'];
const AUTHORISED_ONCE = '(attribute_not_exists(authorised.#user) OR authorised.#user.#at < :at)';
const ROOM = '(attribute_exists(authorised.#user) OR size(authorised) < :room)';

/**
 * The DynamoDB expressions of each session fact. A fact is written once: the condition refuses what is already there,
 * and nothing is added to a closed session.
 */
export function factWrite(fact: SessionFact): FactWrite {
  switch (fact.kind) {
    case 'returned':
      return {
        set: ['returned = :returned'],
        // The link has served; the row stays small.
        remove: ['#url'],
        condition: [
          ...OPEN,
          'stateHash = :stateHash',
          'attribute_not_exists(returned)',
          'attribute_not_exists(wrongOwner)',
          'finishBy >= :at',
        ],
        names: { '#url': 'url' },
        values: {
          ':returned': { at: fact.at, terraUserId: fact.terraUserId, codeHash: fact.codeHash },
          ':stateHash': fact.stateHash,
          ':at': fact.at,
        },
      };
    case 'failed':
      return {
        set: ['failed = :failed'],
        condition: [
          ...OPEN,
          'stateHash = :stateHash',
          'attribute_not_exists(failed)',
          'attribute_not_exists(returned)',
          'attribute_not_exists(wrongOwner)',
          'finishBy >= :at',
        ],
        values: { ':failed': { at: fact.at, cause: fact.cause }, ':stateHash': fact.stateHash, ':at': fact.at },
      };
    case 'cancelled':
      return {
        set: ['cancelled = :cancelled'],
        condition: [...OPEN, 'attribute_not_exists(cancelled)'],
        values: { ':cancelled': { at: fact.at, cause: fact.cause } },
      };
    case 'redeemed':
      return {
        set: ['redeemed = :redeemed'],
        condition: [
          ...OPEN,
          'returned.codeHash = :codeHash',
          'attribute_not_exists(redeemed)',
          'attribute_not_exists(wrongOwner)',
        ],
        values: { ':redeemed': { at: fact.at }, ':codeHash': fact.codeHash },
      };
    case 'wrongOwner':
      return {
        set: ['wrongOwner = :wrongOwner'],
        condition: ['returned.codeHash = :codeHash', 'attribute_not_exists(wrongOwner)'],
        values: { ':wrongOwner': { at: fact.at }, ':codeHash': fact.codeHash },
      };
    case 'authorised':
      return {
        set: ['authorised.#user = :authorised'],
        condition: [...OPEN, AUTHORISED_ONCE, ROOM],
        names: { '#user': fact.terraUserId, '#at': 'at' },
        values: {
          ':authorised': { at: fact.at, provider: fact.provider, scopes: fact.scopes },
          ':at': fact.at,
          ':room': AUTHORISED_LIMIT,
        },
      };
    case 'closed':
      return {
        set: ['closed = :closed'],
        condition: [...OPEN, 'version = :version'],
        values: { ':closed': { at: fact.at }, ':version': fact.version },
      };
    default:
      return fact satisfies never;
  }
}
