import { readFile, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { isoTime } from '../../functions/core/platform/clock';
import { SecretFault } from '../../functions/core/platform/secrets';
import { settingsOf } from '../deployed-settings';
import { OperatorError, toldBy, UsageError } from '../failure';
import type { SecretsJob } from './job';
import { storeOf } from '../services';
import { fingerprintOf, parsers } from '../vault';

/** What an export holds. The fingerprint tells a damaged copy. */
const Exported = z.object({ referenceKey: z.string(), fingerprint: z.string() });

/** Writes the key to a new file that only its owner may read, or to stdout where that is asked for in so many words. */
export async function exportKey({ terminal, vault, deployment, clock, options }: SecretsJob): Promise<number> {
  if (options.to === undefined) {
    throw new UsageError('Say where to: --to FILE, or --to - for stdout', 'The file must not exist yet.');
  }
  const referenceKey = parsers['reference-key']((await vault.read('reference-key')).text);
  const exported = {
    deployment: deployment.name,
    exportedAt: isoTime(clock()),
    fingerprint: fingerprintOf('reference-key', referenceKey),
    referenceKey,
  };
  const text = JSON.stringify(exported, null, 2);
  if (options.to === '-') {
    terminal.print(text);
    return 0;
  }
  await writeFile(options.to, `${text}\n`, { mode: 0o600, flag: 'wx' }).catch(cannotWrite(options.to));
  terminal.print(
    `Written to ${options.to}, for you alone to read. Keep it offline: who has it can name your users at Terra.`,
  );
  return 0;
}

/** Puts an exported key in place, unless the table remembers that it was begun with another one. */
export async function importKey({ terminal, vault, deployment, options }: SecretsJob): Promise<number> {
  const settings = settingsOf(deployment);
  const given = options.from === undefined ? await readStdin() : await readFile(options.from, 'utf8').catch(cannotRead);
  const key = readKey(given.trim());
  const fingerprint = fingerprintOf('reference-key', key);
  const known = await storeOf(deployment, settings).findFingerprint();
  if (known !== undefined && known.key !== fingerprint) {
    throw new OperatorError(
      'The table was begun with another reference-id key; nothing was stored',
      'Import the key that belongs to this table. With this one every user in it would be orphaned.',
    );
  }
  const { text } = await vault.read('reference-key');
  if (text !== key) await vault.write('reference-key', key);
  terminal.print(text === key ? 'This key is in place already.' : 'Stored. Functions take it up within five minutes.');
  return 0;

  async function readStdin(): Promise<string> {
    return terminal.isInteractive
      ? terminal.askHidden('Reference-id key, or its export on one line: ')
      : terminal.readAll();
  }
}

/** An export, or the bare key. */
function readKey(given: string): string {
  const exported = given.startsWith('{') ? Exported.safeParse(fromJson(given)) : undefined;
  if (exported?.success === false) throw notAKey('is not an export of a reference-id key');
  const key = exported ? exported.data.referenceKey : given;
  if (exported && fingerprintOf('reference-key', key) !== exported.data.fingerprint) {
    throw notAKey('is damaged: key and fingerprint do not belong together');
  }
  try {
    return parsers['reference-key'](key);
  } catch (error) {
    if (error instanceof SecretFault) throw notAKey(error.message);
    throw error;
  }
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const notAKey = (why: string) =>
  new OperatorError(`What was given ${why}; nothing was stored`, 'Give the file that export-key wrote.');

const cannotRead = () => {
  throw new OperatorError('The file cannot be read', 'Check --from.');
};

const cannotWrite = (file: string) => (error: unknown) => {
  const exists = toldBy(error).code === 'EEXIST';
  throw new OperatorError(
    exists ? `${file} exists already; nothing was written` : `${file} cannot be written`,
    'Name a new file in a folder you may write to.',
  );
};
