import { settingsOf } from '../deployed-settings';
import { checkCredentials } from '../doctor/terra-checks';
import { OperatorError } from '../failure';
import { parseJson } from '../json';
import type { SecretsJob } from './job';
import type { Terminal } from '../terminal';
import { parsers, secretFault } from '../secret-store';

/** Stores dev-id and API key after Terra accepted them. */
export async function setTerraApi(job: SecretsJob): Promise<number> {
  const { terminal, secrets, deployment, clock, options } = job;
  const text = JSON.stringify(await readCredentials(terminal));
  const problem = secretFault('terra-api', text);
  if (problem !== undefined) {
    throw new OperatorError(`The input ${problem}; nothing was stored`, 'Copy both from Terra’s dashboard.');
  }
  if (!options.untried) {
    const result = await checkCredentials(parsers['terra-api'](text), {
      settings: () => settingsOf(deployment),
      clock,
    });
    if (result.kind !== 'ok') throw new OperatorError(`${result.finding}; nothing was stored`, 'Enter them again.');
  }
  await secrets.write('terra-api', text);
  terminal.print(
    options.json
      ? JSON.stringify({ stored: 'terra-api', tried: !options.untried })
      : 'Stored. The functions use it within five minutes.',
  );
  return 0;
}

async function readCredentials(terminal: Terminal): Promise<unknown> {
  if (terminal.isInteractive) {
    return { devId: (await terminal.ask('dev-id: ')).trim(), apiKey: (await terminal.askHidden('API key: ')).trim() };
  }
  const given = (await terminal.readAll()).trim();
  if (given.startsWith('{')) {
    const json = parseJson(given);
    if (json === undefined)
      throw new OperatorError('stdin is not JSON', 'Give two lines, or {"devId":"…","apiKey":"…"}.');
    return json;
  }
  const [devId, apiKey, ...more] = given.split(/\r?\n/).map(line => line.trim());
  if (devId === undefined || apiKey === undefined || more.length > 0) {
    throw new OperatorError(
      'stdin must hold two lines, dev-id and API key',
      'Or their JSON: {"devId":"…","apiKey":"…"}.',
    );
  }
  return { devId, apiKey };
}
