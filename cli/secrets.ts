import type { SecretsJob } from './secrets/job';
import { type Command, COMMON_HELP, readArguments, start, targetOf } from './command';
import { UsageError } from './failure';
import { exportKey, importKey } from './secrets/reference-key';
import { setTerraApi } from './secrets/terra-api';
import { setWebhook } from './secrets/terra-webhook';
import { showSecrets } from './secrets/show';
import { secretStoreOf } from './secret-store';

const HELP = `npm run secrets -- <command> [--stage NAME | --stack NAME | --local [PORT]] [options]

  show                   print state, lengths, fingerprints and dates; never a value
  set terra-api          store Terra's dev-id and API key, after Terra accepted them
  rotate terra-api       the same as set: Terra has one API key at a time
  set terra-webhook      store the signing secret of this deployment's destination at Terra; the old one stops working
  rotate terra-webhook   store the new signing secret; the old one stays valid for the overlap
  export-key             write the reference-id key to a file that only you can read. It cannot be created again
  import-key             store an exported reference-id key. Refused if the table belongs to another key

Values are prompted for without echo, or read from stdin: two lines or JSON for terra-api, one line for terra-webhook.
They are never taken from arguments, because shells and process lists show arguments.

${COMMON_HELP}
  --overlap HOURS  rotate terra-webhook: how long the old secret stays valid (default: 24)
  --untried        set terra-api: store without trying it at Terra
  --to FILE        export-key: write to this new file, or - for stdout
  --from FILE      import-key: read this exported file (default: stdin)`;

const actions: Record<string, (job: SecretsJob) => Promise<number>> = {
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
  async run(args, context) {
    const { values, positionals } = readArguments(args, {
      overlap: { type: 'string', default: '24' },
      untried: { type: 'boolean', default: false },
      to: { type: 'string' },
      from: { type: 'string' },
    });
    const name = positionals.join(' ');
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (!action) throw new UsageError('There is no such command of secrets', 'Run it with --help, which lists them.');
    const deployment = await context.findDeployment(targetOf(values));
    const { overlap, untried, to, from, json = false } = values;
    return action({
      ...context,
      deployment,
      secrets: secretStoreOf(deployment),
      options: { overlap, untried, to, from, json },
    });
  },
};

if (require.main === module) start(secretsCommand);
