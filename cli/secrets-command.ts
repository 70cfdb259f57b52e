import type { SecretsJob } from './secrets/job';
import { type Command, COMMON_HELP, placeOf, readArguments } from './command';
import { UsageError } from './failure';
import { exportKey, importKey } from './secrets/reference-key';
import { setTerraApi } from './secrets/terra-api';
import { setWebhook } from './secrets/terra-webhook';
import { showSecrets } from './secrets/show';
import { vaultOf } from './vault';

const HELP = `npm run secrets -- <command> [--stage NAME | --stack NAME | --local [PORT]] [options]

  show                   shape, lengths, fingerprints and dates; never a value
  set terra-api          Terra's dev-id and API key. They are tried at Terra before they are stored
  rotate terra-api       the same: Terra has one key at a time
  set terra-webhook      Terra's signing secret of this deployment's destination, in place of the present one
  rotate terra-webhook   the new signing secret; the present one goes on counting for the overlap
  export-key             the reference-id key into a file only you may read. Keep it offline: it cannot be made again
  import-key             puts an exported key in place; refused where the table was begun with another one

Values are asked for without showing them, or read from stdin: for terra-api two lines or its JSON, for terra-webhook
one line. They are never taken from arguments, which shells and process lists keep.

${COMMON_HELP}
  --overlap HOURS  how long the rotated webhook secret goes on counting (24)
  --untried        store terra-api without trying it at Terra
  --to FILE        export-key: a new file, or - for stdout
  --from FILE      import-key: the exported file; stdin when left out`;

const acts: Record<string, (job: SecretsJob) => Promise<number>> = {
  show: showSecrets,
  'set terra-api': setTerraApi,
  'rotate terra-api': setTerraApi,
  'set terra-webhook': job => setWebhook(job, 'set'),
  'rotate terra-webhook': job => setWebhook(job, 'rotate'),
  'export-key': exportKey,
  'import-key': importKey,
};

export const secretsCommand: Command = {
  help: HELP,
  async run(args, surroundings) {
    const { values, positionals } = readArguments(args, {
      overlap: { type: 'string', default: '24' },
      untried: { type: 'boolean', default: false },
      to: { type: 'string' },
      from: { type: 'string' },
    });
    const name = positionals.join(' ');
    const act = Object.hasOwn(acts, name) ? acts[name] : undefined;
    if (!act) throw new UsageError('There is no such command of secrets', 'Run it with --help: it lists them.');
    const deployment = await surroundings.find(placeOf(values));
    const { overlap, untried, to, from, json = false } = values;
    return act({
      ...surroundings,
      deployment,
      vault: vaultOf(deployment),
      options: { overlap, untried, to, from, json },
    });
  },
};
