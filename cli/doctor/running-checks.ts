import { connectionState } from '../../functions/core/state/connection';
import { DAY, type Instant, MINUTE } from '../../functions/core/platform/clock';
import { table } from '../../functions/core/store/table';
import { deadLetterQueuesOf } from '../dead-letters';
import { type Check, plural, fault, ok, type CheckContext, warning } from './check';

/** The sweep runs every minute; CloudWatch shows it a few minutes later. */
const OVERDUE = 10 * MINUTE;

export const deadLettersCheck: Check = {
  name: 'dead-letters',
  async run({ deployment }) {
    const depths = await Promise.all(
      deadLetterQueuesOf(deployment).map(async queue => ({ queue, ...(await queue.count()) })),
    );
    const full = depths.filter(({ waiting, inFlight }) => waiting + inFlight > 0);
    if (full.length === 0) return ok(`${plural(depths.length, 'dead-letter queue')}, all empty`);
    const depthTexts = full.map(({ queue, waiting, inFlight }) => `${waiting + inFlight} in ${queue.id}`);
    return fault(
      `There are dead letters: ${depthTexts.join(', ')}`,
      'Read them with `npm run events -- list`, fix the cause, then run `npm run events -- redrive`.',
    );
  },
};

export const sweepCheck = runsCheck('sweep-runs', 'sweep-stale', OVERDUE);
/** It runs every ten minutes; a fault is three missed runs. */
export const reconcileCheck = runsCheck('reconcile-runs', 'reconcile', 40 * MINUTE);

function runsCheck(name: string, title: string, overdueAfter: Instant): Check {
  return {
    name,
    async run({ deployment, clock }) {
      const lastRun = await deployment.lastRunOf(title);
      const quiet = clock() - Math.max(lastRun ?? 0, deployment.since);
      if (quiet > overdueAfter) {
        const since = lastRun === undefined ? 'an hour or more' : `${Math.floor(quiet / MINUTE)} minutes`;
        return fault(
          `${title} has not run for ${since}`,
          'Check its schedule in EventBridge Scheduler (is it enabled, does its role exist) and its dead-letter queue.',
        );
      }
      return ok(
        lastRun === undefined ? `Deployed a moment ago; ${title} has not run yet` : `${title} runs on schedule`,
      );
    },
  };
}

export const backlogCheck: Check = {
  name: 'sweep-backlog',
  async run({ store, clock }) {
    const until = clock() - OVERDUE;
    const overdue = await countDue(store(), until);
    if (overdue === 0) return ok('No record has been due for more than ten minutes');
    return fault(
      `${plural(overdue, 'record')} due for more than ten minutes: the sweep does not run, or fails for them`,
      'Read the log of sweep-stale. Until this is fixed, disconnects and expiries are late.',
    );
  },
};

/** Counts at most the first page of each shard. */
async function countDue(store: ReturnType<CheckContext['store']>, until: Instant): Promise<number> {
  const shards = Array.from({ length: table.due.shards }, (_, shard) => store.due(String(shard), until));
  const pages = await Promise.all(shards);
  return pages.reduce((sum, { due }) => sum + due.length, 0);
}

/** Limits what the scan costs. */
const PAGES = 20;
const NAMED = 5;

export const unreadableRowsCheck: Check = {
  name: 'unreadable-rows',
  async run({ store }) {
    const { looked, unreadable, isAll } = await findUnreadable(store());
    const rows = plural(looked, 'row');
    if (unreadable.length === 0) return ok(`${isAll ? `All of ${rows}` : `The first ${rows}`} can be read`);
    const named = unreadable.slice(0, NAMED).map(({ owner, item }) => `${item} of ${owner}`);
    const more = unreadable.length > NAMED ? ` and ${unreadable.length - NAMED} more` : '';
    return fault(
      `${plural(unreadable.length, 'row')} cannot be read (of ${rows}): ${named.join(', ')}${more}`,
      'If a later version was deployed before, deploy it again. Otherwise show each row with `npm run owner -- show --reference-id=…` and repair it in DynamoDB, or erase its owner. The next run replaces a row of #reconcile.',
    );
  },
};

async function findUnreadable(store: ReturnType<CheckContext['store']>) {
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

/** A smaller sample says nothing about the share that has data. */
const SAMPLE_LEAST = 10;
const SHARE_LEAST = 0.5;

/**
 * Terra has no API for the list of destinations. This destination receives data events if at least half of a sample of ten
 * or more active connections had data within a day.
 */
export const dataEventsCheck: Check = {
  name: 'data-events',
  async run({ settings, store, clock }) {
    if (settings().DATA_EVENTS === 'ignore') return ok('Data events are ignored by the settings');
    const { rows } = await store().scanConnections(undefined);
    const active = rows.filter(({ facts }) => ['connected', 'error'].includes(connectionState(facts).status));
    const withData = active.filter(({ facts }) => (facts.data?.at ?? 0) > clock() - DAY);
    if (active.length < SAMPLE_LEAST || withData.length < active.length * SHARE_LEAST)
      return ok('Few or no data events arrive here');
    return warning(
      `Data events arrive here (${withData.length} of ${active.length} connections within a day); only their time is kept`,
      'Make sure that Terra’s dashboard has a second destination for data. Then deselect data events for this destination, or run with `--accept data-events`.',
    );
  },
};
