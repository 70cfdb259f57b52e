import type { OwnerJob } from './owner/job';
import { type Command, COMMON_HELP, readArguments, start, targetOf } from './command';
import { settingsOf } from './deployed-settings';
import { UsageError } from './failure';
import { eraseOneOwner } from './owner/erase';
import { importOwners } from './owner/import-command';
import { showOwner } from './owner/show';
import { secretStoreOf } from './secret-store';

const HELP = `npm run owner -- <show | erase | import> [--stage NAME | --stack NAME | --local [PORT]] [options]

  show      print all records of one owner: connections with their history, sessions, SDK tokens, erasure
  erase     do what DELETE /v1/me does: disconnect everything here and at Terra, then delete every record
  import    import existing users of the Terra account as proved connections. Without --apply it only counts.
            Never changes an existing connection and never disconnects one

${COMMON_HELP}
  --sub SUB            show, erase: the owner whose tokens have this subject
  --reference-id=ID    show, erase: the owner with this reference id at Terra
  --yes                erase: do not ask for the owner's name again
  --map FILE           import: only the owners in this CSV file with the columns sub and, optionally, reference_id
  --apply              import: write the connections
  --from-page N        import: start at this page of Terra's list (default: 0)
  --rate N             import: process at most N users a second (default: 25)`;

const actions: Record<string, (job: OwnerJob) => Promise<number>> = {
  show: showOwner,
  erase: eraseOneOwner,
  import: importOwners,
};

export const ownerCommand: Command = {
  help: HELP,
  async run(args, context) {
    const { values, positionals } = readArguments(args, {
      sub: { type: 'string' },
      'reference-id': { type: 'string' },
      yes: { type: 'boolean', default: false },
      map: { type: 'string' },
      apply: { type: 'boolean', default: false },
      'from-page': { type: 'string', default: '0' },
      rate: { type: 'string', default: '25' },
    });
    const [name = ''] = positionals;
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (!action || positionals.length !== 1) throw new UsageError('Say show, erase or import', 'See --help.');
    const deployment = await context.findDeployment(targetOf(values));
    const { sub, 'reference-id': referenceId, yes, map, apply, json = false } = values;
    const fromPage = wholeNumber('--from-page', values['from-page'], 0);
    const rate = wholeNumber('--rate', values.rate, 1);
    const options = { sub, referenceId, yes, map, apply, fromPage, rate };
    return action({
      ...context,
      deployment,
      settings: settingsOf(deployment),
      secrets: secretStoreOf(deployment),
      json,
      options,
    });
  },
};

function wholeNumber(name: string, text: string, least: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
  throw new UsageError(`${name} takes a whole number from ${least}`, 'See --help.');
}

if (require.main === module) start(ownerCommand);
