import type { Instant } from '../platform/clock';
import { AUTHORISED_LIMIT, REFUSAL_LIMIT, RETURN_LOOKUP_LIMIT } from '../state/session';
import type { SessionFact } from './store';

/** The parts of the update that writes a session fact. All clauses of `condition` must be met. */
type FactWrite = {
  set: string[];
  remove?: string[];
  condition: string[];
  names?: Record<string, string>;
  values: Record<string, unknown>;
};

const OPEN = ['attribute_not_exists(closed)'];
/** The condition of every fact that a browser's callback writes. */
const RETURNABLE = [
  ...OPEN,
  'stateHash = :stateHash',
  'attribute_not_exists(returned)',
  'attribute_not_exists(wrongOwner)',
  'finishBy >= :at',
];
/** A direct link's user, and the user that the browser returned with, always fit. */
const ROOM =
  '(attribute_exists(authorised.#user) OR size(authorised) < :room OR returned.terraUserId = :user OR terraUserId = :user)';

/** Returns the DynamoDB expressions that write a session fact. A fact is written once, and not to a closed session. */
export function factWrite(fact: SessionFact): FactWrite {
  switch (fact.kind) {
    case 'asked':
      return {
        set: ['asked = if_not_exists(asked, :none) + :once'],
        condition: [...RETURNABLE, '(attribute_not_exists(asked) OR asked < :limit)'],
        values: { ':none': 0, ':once': 1, ':limit': RETURN_LOOKUP_LIMIT, ':stateHash': fact.stateHash, ':at': fact.at },
      };
    case 'returned': {
      const { at, terraUserId, codeHash, browser, evidence } = fact;
      const found = typeof evidence === 'object' ? evidence.foundNow : undefined;
      const authorised = `attribute_${found ? 'not_' : ''}exists(authorised.#user)`;
      return {
        set: ['returned = :returned', ...(found ? ['authorised.#user = :found'] : [])],
        // The link is used, and the row gets smaller.
        remove: ['#url'],
        condition: [...RETURNABLE, ...(evidence === 'not_asked' ? [] : [authorised])],
        names: { '#url': 'url', ...(evidence !== 'not_asked' && { '#user': terraUserId }) },
        values: {
          ':returned': { at, terraUserId, codeHash, browser },
          ':stateHash': fact.stateHash,
          ':at': at,
          ...(found && { ':found': found }),
        },
      };
    }
    case 'failed': {
      const refusal = fact.terraUserId === undefined ? undefined : refusalOf(fact.terraUserId);
      return {
        set: ['failed = if_not_exists(failed, :failed)', ...(refusal?.set ?? [])],
        condition: [...RETURNABLE, `(${['attribute_not_exists(failed)', ...(refusal?.condition ?? [])].join(' OR ')})`],
        values: {
          ...refusal?.values,
          ':failed': { at: fact.at, cause: fact.cause, terraUserId: fact.terraUserId },
          ':stateHash': fact.stateHash,
          ':at': fact.at,
        },
      };
    }
    case 'refused': {
      const refusal = refusalOf(fact.terraUserId ?? fact.at);
      const isFirst = fact.cause === undefined ? [] : ['attribute_not_exists(cancelled)'];
      return {
        set: [
          ...(fact.cause === undefined ? [] : ['cancelled = if_not_exists(cancelled, :cancelled)']),
          ...refusal.set,
        ],
        condition: [...OPEN, `(${[...isFirst, ...refusal.condition].join(' OR ')})`],
        values: {
          ...refusal.values,
          ...(fact.cause !== undefined && { ':cancelled': { at: fact.at, cause: fact.cause } }),
        },
      };
    }
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
    case 'otherBrowser':
      return {
        set: ['wrongOwner = :wrongOwner'],
        condition: [
          'returned.codeHash = :codeHash',
          'attribute_not_exists(wrongOwner)',
          ...(fact.kind === 'wrongOwner' ? ['attribute_not_exists(redeemed)'] : []),
        ],
        values: { ':wrongOwner': { at: fact.at }, ':codeHash': fact.codeHash },
      };
    case 'authorised':
      return {
        set: ['authorised.#user = :authorised'],
        condition: [...OPEN, 'version = :version', ROOM],
        names: { '#user': fact.terraUserId },
        values: {
          ':authorised': fact.authorisation,
          ':version': fact.version,
          ':user': fact.terraUserId,
          ':room': AUTHORISED_LIMIT,
        },
      };
    case 'closed':
      return {
        set: ['closed = :closed', 'purgeAt = :purgeAt'],
        condition: [...OPEN, 'version = :version'],
        values: { ':closed': { at: fact.at }, ':purgeAt': fact.purgeAt, ':version': fact.version },
      };
    default:
      return fact satisfies never;
  }
}

/** Returns the expressions that add a refused Terra user id or the time of a refusal to its list, unless it is there or the list is full. */
function refusalOf(refused: string | Instant) {
  const list = typeof refused === 'string' ? 'refusedUsers' : 'refusedAt';
  return {
    set: [`${list} = list_append(if_not_exists(${list}, :noneRefused), :refusedNow)`],
    condition: [`attribute_not_exists(${list})`, `(NOT contains(${list}, :refused) AND size(${list}) < :refusalLimit)`],
    values: { ':noneRefused': [], ':refusedNow': [refused], ':refused': refused, ':refusalLimit': REFUSAL_LIMIT },
  };
}
