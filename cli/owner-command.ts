import type { OwnerJob } from './owner/job';
import { type Command, COMMON_HELP, placeOf, readArguments } from './command';
import { settingsOf } from './deployed-settings';
import { UsageError } from './failure';
import { eraseOneOwner } from './owner/erase';
import { importOwners } from './owner/import-command';
import { showOwner } from './owner/show';
import { vaultOf } from './vault';

const HELP = `npm run owner -- <show | erase | import> [--stage NAME | --stack NAME | --local [PORT]] [options]

  show      everything known of one owner: sessions, connections and how they came about, mints, an erasure
  erase     what DELETE /v1/me does: disconnects all here and at Terra, then deletes every record
  import    takes users over that the Terra account already has, as connections that count as proved.
            Says what it would do; --apply does it. What exists is left alone, nothing is ever disconnected

${COMMON_HELP}
  --sub SUB            show, erase: the owner, by the subject of his tokens
  --reference-id=ID    show, erase: the owner, by what Terra calls him
  --yes                erase: without asking for the owner's name to be typed
  --map FILE           import: CSV with the columns sub and (may be left out) reference_id; only these owners
  --apply              import: write
  --from-page N        import: go on from this page of Terra's list (0)
  --rate N             import: look at most at so many users a second (25)`;

const acts: Record<string, (job: OwnerJob) => Promise<number>> = {
  show: showOwner,
  erase: eraseOneOwner,
  import: importOwners,
};

export const ownerCommand: Command = {
  help: HELP,
  async run(args, surroundings) {
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
    const act = Object.hasOwn(acts, name) ? acts[name] : undefined;
    if (!act || positionals.length !== 1) throw new UsageError('Say show, erase or import', 'See --help.');
    const deployment = await surroundings.find(placeOf(values));
    const { sub, 'reference-id': referenceId, yes, map, apply, json = false } = values;
    const fromPage = wholeNumber('--from-page', values['from-page'], 0);
    const rate = wholeNumber('--rate', values.rate, 1);
    const options = { sub, referenceId, yes, map, apply, fromPage, rate };
    return act({
      ...surroundings,
      deployment,
      settings: settingsOf(deployment),
      vault: vaultOf(deployment),
      json,
      options,
    });
  },
};

function wholeNumber(name: string, text: string, least: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
  throw new UsageError(`${name} takes a whole number from ${least}`, 'See --help.');
}
