import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { SECOND } from '../../functions/core/platform/clock';
import { rulesOf } from '../deployed-settings';
import { explain, OperatorError } from '../failure';
import type { OwnerJob } from './job';
import { credentialsOf, referenceIds, storeOf } from '../services';
import { terraSubscriptions } from '../subscriptions';
import { textPairs } from '../text-table';
import { type Claims, mappedClaims, readMap, subjectClaims } from './claims';
import { type Fate, type Imported, importUsers } from './import';

const meanings: Record<Fate, string> = {
  imported: 'taken over as connected',
  known: 'known already, left alone',
  erased: 'of an owner who was erased, left out',
  inactive: 'not active at Terra, left out',
  too_young: 'made within two days: perhaps not confirmed by the owner, left out',
  not_in_map: 'not in the map, left out',
  mapped_elsewhere: 'mapped to an owner whom this deployment knows by another reference id, left out',
  no_reference_id: 'without a reference id, left out',
  not_an_owner: 'under a reference id that can be no owner’s, left out',
  unreadable: 'without a user id or provider, left out',
};

/** Takes users over that Terra already has; says what it would do unless told to do it. */
export async function importOwners(job: OwnerJob): Promise<number> {
  const { settings, deployment, vault, clock, terminal, json, options } = job;
  const store = storeOf(deployment, settings);
  const claims = await claimsOf(job, store);
  const credentials = await credentialsOf(vault);
  let page = options.fromPage;

  const imported = await importUsers(options.fromPage, {
    subscriptions: terraSubscriptions({ apiUrl: settings.TERRA_API_URL, credentials: async () => credentials, clock }),
    store,
    claims,
    rules: rulesOf(settings),
    clock,
    apply: options.apply,
    pace: () => wait(SECOND / options.rate),
    onPage(now, { counts }) {
      page = now;
      terminal.tell(`page ${now} … ${counts.imported} so far`);
    },
  }).catch((error: unknown) => {
    const { what, remedy } = explain(error);
    throw new OperatorError(`Stopped at page ${page}: ${what}`, `${remedy} Then go on with --from-page ${page}.`);
  });
  terminal.print(json ? JSON.stringify({ applied: options.apply, ...imported }) : told(imported, options.apply));
  return 0;
}

async function claimsOf({ settings, vault, options }: OwnerJob, store: ReturnType<typeof storeOf>): Promise<Claims> {
  if (options.map !== undefined) {
    const text = await readFile(options.map, 'utf8').catch(() => {
      throw new OperatorError('The map cannot be read', 'Check --map.');
    });
    return mappedClaims(readMap(text), referenceIds(store, settings, vault));
  }
  if (settings.REFERENCE_ID === 'subject') return subjectClaims;
  throw new OperatorError(
    'This deployment makes its own reference ids ("referenceId": "opaque"), so Terra users under ids of yours cannot be its owners’, and Terra cannot change their ids',
    'Deploy with "referenceId": "subject" where your ids are the subjects of the tokens. To find users again that this very deployment made, give their subjects: --map FILE.',
  );
}

function told({ counts, samples, pages }: Imported, isApplied: boolean): string {
  const fates = (Object.keys(meanings) as Fate[]).filter(fate => fate === 'imported' || counts[fate] > 0);
  return [
    isApplied ? `Imported, ${pages} page(s):` : `Dry run, ${pages} page(s); nothing was written:`,
    textPairs(fates.map(fate => [`${counts[fate]}`.padStart(8), meanings[fate]])),
    ...(samples.length > 0 ? [`For example the owners ${samples.join(', ')}.`] : []),
    ...(!isApplied && counts.imported > 0 ? ['Are these subjects of your tokens? Then run it with --apply.'] : []),
  ].join('\n');
}
