import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { SECOND } from '../../functions/core/platform/clock';
import { rulesOf } from '../deployed-settings';
import { explain, OperatorError } from '../failure';
import type { OwnerJob } from './job';
import { credentialsOf, referenceIds, storeOf } from '../services';
import { terraSubscriptions } from '../subscriptions';
import { textPairs } from '../text-table';
import { type MatchOwner, matchByMap, readMap, matchBySubject } from './match-owner';
import { type ImportOutcome, type ImportSummary, importUsers } from './import';

const outcomeTexts: Record<ImportOutcome, string> = {
  imported: 'imported as connected',
  known: 'already here, unchanged',
  erased: 'owner was erased, skipped',
  inactive: 'not active at Terra, skipped',
  too_young: 'created in the last two days, perhaps not confirmed by the owner, skipped',
  not_in_map: 'not in the map, skipped',
  mapped_elsewhere: 'mapped to a subject that has another reference id in this deployment, skipped',
  no_reference_id: 'without a reference id, skipped',
  not_an_owner: 'with a reference id that no owner can have, skipped',
  unreadable: 'without a user id or provider, skipped',
};

/** Imports existing Terra users. Without `--apply` it only counts. */
export async function importOwners(job: OwnerJob): Promise<number> {
  const { settings, deployment, secrets, clock, terminal, json, options } = job;
  const store = storeOf(deployment, settings);
  const matchOwner = await matcherOf(job, store);
  const credentials = await credentialsOf(secrets);
  let currentPage = options.fromPage;

  const imported = await importUsers(options.fromPage, {
    subscriptions: terraSubscriptions({ apiUrl: settings.TERRA_API_URL, credentials: async () => credentials, clock }),
    store,
    matchOwner,
    rules: rulesOf(settings),
    clock,
    apply: options.apply,
    pace: () => wait(SECOND / options.rate),
    onPage(page, { counts }) {
      currentPage = page;
      terminal.log(`page ${page} … ${counts.imported} so far`);
    },
  }).catch((error: unknown) => {
    const { what, remedy } = explain(error);
    throw new OperatorError(
      `Stopped at page ${currentPage}: ${what}`,
      `${remedy} Then continue with --from-page ${currentPage}.`,
    );
  });
  terminal.print(json ? JSON.stringify({ applied: options.apply, ...imported }) : summary(imported, options.apply));
  return 0;
}

async function matcherOf(
  { settings, secrets, options }: OwnerJob,
  store: ReturnType<typeof storeOf>,
): Promise<MatchOwner> {
  if (options.map !== undefined) {
    const text = await readFile(options.map, 'utf8').catch(() => {
      throw new OperatorError('The map cannot be read', 'Check --map.');
    });
    return matchByMap(readMap(text), referenceIds(store, settings, secrets));
  }
  if (settings.REFERENCE_ID === 'subject') return matchBySubject;
  throw new OperatorError(
    'This deployment computes its own reference ids ("referenceId": "opaque"), so it cannot own Terra users that have your ids; Terra cannot change them',
    'Deploy with "referenceId": "subject" if your ids are the subjects of the tokens. To import users that this deployment created before, list their subjects: --map FILE.',
  );
}

function summary({ counts, samples, pages }: ImportSummary, isApplied: boolean): string {
  const outcomes = (Object.keys(outcomeTexts) as ImportOutcome[]).filter(
    each => each === 'imported' || counts[each] > 0,
  );
  return [
    isApplied ? `Imported, ${pages} page(s):` : `Dry run, ${pages} page(s); nothing was written:`,
    textPairs(outcomes.map(each => [`${counts[each]}`.padStart(8), outcomeTexts[each]])),
    ...(samples.length > 0 ? [`Owners, for example: ${samples.join(', ')}.`] : []),
    ...(!isApplied && counts.imported > 0 ? ['If these are subjects of your tokens, run it again with --apply.'] : []),
  ].join('\n');
}
