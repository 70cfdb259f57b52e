import { readFile, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { isoTime } from '../../functions/core/platform/clock';
import { settingsOf } from '../deployed-settings';
import { OperatorError, errorFields, UsageError } from '../failure';
import { parseJson } from '../json';
import type { SecretsJob } from './job';
import { storeOf } from '../services';
import { fingerprintOf, parsers, secretFault } from '../secret-store';

/** An exported key. The fingerprint shows whether a copy is damaged. */
const Exported = z.object({ referenceKey: z.string(), fingerprint: z.string() });

/** Writes the key to a new file that only its owner can read, or to stdout with `--to -`. */
export async function exportKey({ terminal, secrets, deployment, clock, options }: SecretsJob): Promise<number> {
  if (options.to === undefined) {
    throw new UsageError('Name the target: --to FILE, or --to - for stdout', 'The file must not exist yet.');
  }
  const referenceKey = parsers['reference-key']((await secrets.read('reference-key')).text);
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
    `Written to ${options.to}, which only you can read. Store it offline: anyone who has it can compute your users’ reference ids.`,
  );
  return 0;
}

/** Stores an exported key, unless the table has the fingerprint of another one. */
export async function importKey({ terminal, secrets, deployment, options }: SecretsJob): Promise<number> {
  const settings = settingsOf(deployment);
  const given = options.from === undefined ? await readStdin() : await readFile(options.from, 'utf8').catch(cannotRead);
  const key = readKey(given.trim());
  const fingerprint = fingerprintOf('reference-key', key);
  const known = await storeOf(deployment, settings).findFingerprint();
  if (known !== undefined && known.key !== fingerprint) {
    throw new OperatorError(
      'The table belongs to another reference-id key; nothing was stored',
      'Import the key of this table. With this one, no user could be matched to their connections.',
    );
  }
  const { text } = await secrets.read('reference-key');
  if (text !== key) await secrets.write('reference-key', key);
  terminal.print(text === key ? 'This key is already stored.' : 'Stored. The functions use it within five minutes.');
  return 0;

  async function readStdin(): Promise<string> {
    return terminal.isInteractive
      ? terminal.askHidden('Reference-id key, or its export on one line: ')
      : terminal.readAll();
  }
}

/** Reads an export, or the key alone. @throws OperatorError if it is neither. */
function readKey(given: string): string {
  const exported = given.startsWith('{') ? Exported.safeParse(parseJson(given)) : undefined;
  if (exported?.success === false) throw notAKey('is not an export of a reference-id key');
  const key = exported ? exported.data.referenceKey : given;
  if (exported && fingerprintOf('reference-key', key) !== exported.data.fingerprint) {
    throw notAKey('is damaged: key and fingerprint do not match');
  }
  const problem = secretFault('reference-key', key);
  if (problem !== undefined) throw notAKey(problem);
  return key;
}

const notAKey = (why: string) =>
  new OperatorError(`The input ${why}; nothing was stored`, 'Use the file that export-key wrote.');

const cannotRead = () => {
  throw new OperatorError('The file cannot be read', 'Check --from.');
};

const cannotWrite = (file: string) => (error: unknown) => {
  const exists = errorFields(error).code === 'EEXIST';
  throw new OperatorError(
    exists ? `${file} already exists; nothing was written` : `${file} cannot be written`,
    'Name a new file in a folder that you can write to.',
  );
};
