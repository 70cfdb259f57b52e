import { SecretFault } from '../../functions/core/platform/secrets';
import { settingsOf } from '../deployed-settings';
import { judgeCredentials } from '../doctor/terra-checks';
import { OperatorError } from '../failure';
import type { SecretsJob } from './job';
import type { Terminal } from '../terminal';
import { parsers } from '../vault';

/** Stores dev-id and API key, once Terra has accepted them. */
export async function setTerraApi(job: SecretsJob): Promise<number> {
  const { terminal, vault, deployment, clock, options } = job;
  const text = JSON.stringify(await readCredentials(terminal));
  const credentials = parsed(text);
  if (!options.untried) {
    const verdict = await judgeCredentials(credentials, { settings: () => settingsOf(deployment), clock });
    if (verdict.kind !== 'ok') throw new OperatorError(`${verdict.finding}; nothing was stored`, 'Enter them again.');
  }
  await vault.write('terra-api', text);
  terminal.print(
    options.json
      ? JSON.stringify({ stored: 'terra-api', tried: !options.untried })
      : 'Stored. Functions take it up within five minutes.',
  );
  return 0;
}

async function readCredentials(terminal: Terminal): Promise<unknown> {
  if (terminal.isInteractive) {
    return { devId: (await terminal.ask('dev-id: ')).trim(), apiKey: (await terminal.askHidden('API key: ')).trim() };
  }
  const given = (await terminal.readAll()).trim();
  if (given.startsWith('{')) return fromJson(given);
  const [devId, apiKey, ...more] = given.split(/\r?\n/).map(line => line.trim());
  if (devId === undefined || apiKey === undefined || more.length > 0) {
    throw new OperatorError(
      'stdin must hold two lines, dev-id and API key',
      'Or their JSON: {"devId":"…","apiKey":"…"}.',
    );
  }
  return { devId, apiKey };
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new OperatorError('stdin is not JSON', 'Give two lines, or {"devId":"…","apiKey":"…"}.');
  }
}

function parsed(text: string) {
  try {
    return parsers['terra-api'](text);
  } catch (error) {
    if (!(error instanceof SecretFault)) throw error;
    throw new OperatorError(`What was given ${error.message}; nothing was stored`, 'Copy both from Terra’s dashboard.');
  }
}
