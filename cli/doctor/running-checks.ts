import { connectionState } from '../../functions/core/state/connection';
import { DAY, type Instant, MINUTE } from '../../functions/core/platform/clock';
import { table } from '../../functions/core/store/table';
import { deadLettersOf } from '../dead-letters';
import { type Check, countOf, fault, ok, type Patient, warning } from './check';

/** The sweep runs each minute; metrics of it come a few minutes late. */
const OVERDUE = 10 * MINUTE;

export const deadLettersCheck: Check = {
  name: 'dead-letters',
  async look({ deployment }) {
    const depths = await Promise.all(
      deadLettersOf(deployment).map(async queue => ({ queue, ...(await queue.count()) })),
    );
    const full = depths.filter(({ waiting, inFlight }) => waiting + inFlight > 0);
    if (full.length === 0) return ok(`${countOf(depths.length, 'dead-letter queue')}, all empty`);
    const told = full.map(({ queue, waiting, inFlight }) => `${waiting + inFlight} in ${queue.id}`);
    return fault(
      `Dead letters wait: ${told.join(', ')}`,
      'Look at them with `npm run events -- list`, mend the cause, then `npm run events -- redrive`.',
    );
  },
};

export const sweepCheck = runsCheck('sweep-runs', 'sweep-stale', OVERDUE);
/** It runs every ten minutes; three misses are no accident. */
export const reconcileCheck = runsCheck('reconcile-runs', 'reconcile', 40 * MINUTE);

function runsCheck(name: string, title: string, overdueAfter: Instant): Check {
  return {
    name,
    async look({ deployment, clock }) {
      const lastRun = await deployment.lastRunOf(title);
      const quiet = clock() - Math.max(lastRun ?? 0, deployment.since);
      if (quiet > overdueAfter) {
        const since = lastRun === undefined ? 'an hour or more' : `${Math.floor(quiet / MINUTE)} minutes`;
        return fault(
          `${title} has not run for ${since}`,
          'Look at its schedule in EventBridge Scheduler (enabled? its role?) and at its dead-letter queue.',
        );
      }
      return ok(lastRun === undefined ? `Deployed a moment ago; ${title} is yet to run` : `${title} runs on schedule`);
    },
  };
}

export const backlogCheck: Check = {
  name: 'sweep-backlog',
  async look({ store, clock }) {
    const until = clock() - OVERDUE;
    const overdue = await countDue(store(), until);
    if (overdue === 0) return ok('Nothing that is due waits for more than ten minutes');
    return fault(
      `${countOf(overdue, 'record')} due for more than ten minutes: the sweep does not come by, or fails there`,
      'Read the log of sweep-stale; disconnects and expiries are waiting.',
    );
  },
};

/** At most the first page of each shard: enough to know. */
async function countDue(store: ReturnType<Patient['store']>, until: Instant): Promise<number> {
  const shards = Array.from({ length: table.due.shards }, (_, shard) => store.due(String(shard), until));
  const pages = await Promise.all(shards);
  return pages.reduce((sum, { due }) => sum + due.length, 0);
}

/** At most so many pages of the table are looked at: enough to know, and cheap. */
const PAGES = 20;
const NAMED = 5;

export const unreadableRowsCheck: Check = {
  name: 'unreadable-rows',
  async look({ store }) {
    const { looked, unreadable, isAll } = await findUnreadable(store());
    const rows = countOf(looked, 'row');
    if (unreadable.length === 0) return ok(`${isAll ? `All of ${rows}` : `The first ${rows}`} can be read`);
    const named = unreadable.slice(0, NAMED).map(({ owner, item }) => `${item} of ${owner}`);
    const more = unreadable.length > NAMED ? ` and ${unreadable.length - NAMED} more` : '';
    return fault(
      `${countOf(unreadable.length, 'row')} cannot be read (of ${rows}): ${named.join(', ')}${more}`,
      'If a later version was deployed, deploy it again. Else look at each with `npm run owner -- show --reference-id=…`, mend it in DynamoDB, or erase its owner. A row of #reconcile heals with the next run.',
    );
  },
};

async function findUnreadable(store: ReturnType<Patient['store']>) {
  const unreadable: { owner: string; item: string }[] = [];
  let looked = 0;
  let cursor: string | undefined;
  for (let pages = 0; pages < PAGES && (pages === 0 || cursor !== undefined); pages++) {
    const page = await store.scanUnreadable(cursor);
    unreadable.push(...page.unreadable);
    looked += page.looked;
    cursor = page.cursor;
  }
  return { looked, unreadable, isAll: cursor === undefined };
}

/** Below this many connections nothing can be said of a share of them. */
const FEW = 10;
const MOST = 0.5;

/**
 * Terra does not tell which destinations exist. What can be seen is whether health data comes here: when at least half of
 * the live connections of a sample (ten or more) had data within a day, this destination is subscribed to it.
 */
export const dataEventsCheck: Check = {
  name: 'data-events',
  async look({ settings, store, clock }) {
    if (settings().DATA_EVENTS === 'ignore') return ok('Data events are ignored by the settings');
    const { rows } = await store().scanConnections(undefined);
    const live = rows.filter(({ facts }) => ['connected', 'error'].includes(connectionState(facts).status));
    const withData = live.filter(({ facts }) => (facts.data?.at ?? 0) > clock() - DAY);
    if (live.length < FEW || withData.length < live.length * MOST)
      return ok('Health data does not come here in quantity');
    return warning(
      `Health data comes here (${withData.length} of ${live.length} connections within a day), and is dropped but for its time`,
      'Make sure Terra’s dashboard has a second destination that takes data; then `--accept data-events`, or deselect data here.',
    );
  },
};
