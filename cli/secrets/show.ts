import { isoTime } from '../../functions/core/platform/clock';
import type { SecretsJob } from './job';
import { textTable } from '../text-table';
import { fingerprintOf, parsers, secretFault, type SecretName } from '../secret-store';

type SecretLine = {
  secret: string;
  state: string;
  field: string;
  length: string;
  fingerprint: string;
  stored: string;
  until: string;
};

const FINGERPRINT_CHARACTERS = 12;

/** Prints for each value whether the functions accept it, its length, its fingerprint and its dates; never the value. */
export async function showSecrets({ terminal, secrets, clock, options }: SecretsJob): Promise<number> {
  const shown = (await Promise.all((Object.keys(parsers) as SecretName[]).map(describe))).flat();
  if (options.json) terminal.print(JSON.stringify({ secrets: shown }));
  else {
    const heading = ['secret', 'state', 'field', 'length', 'fingerprint', 'stored', 'until'] as const;
    terminal.print(
      textTable(
        heading,
        shown.map(row => heading.map(name => row[name])),
      ),
    );
  }
  return shown.every(({ state }) => state === 'ok') ? 0 : 1;

  async function describe(name: SecretName): Promise<SecretLine[]> {
    const { text, storedAt } = await secrets.read(name);
    const stored = storedAt ? isoTime(storedAt.getTime()) : '';
    const state = secretFault(name, text) ?? 'ok';
    if (state !== 'ok') return [{ secret: name, state, field: '', length: '', fingerprint: '', stored, until: '' }];
    return valuesOf(name, text).map(({ field, value, until }) => ({
      secret: name,
      state,
      field,
      length: `${value.length}`,
      fingerprint: fingerprintOf(name, value).slice(0, FINGERPRINT_CHARACTERS),
      stored,
      until: until === undefined ? '' : `${isoTime(until)}${until < clock() ? ' (over)' : ''}`,
    }));
  }
}

function valuesOf(name: SecretName, text: string): { field: string; value: string; until?: number }[] {
  switch (name) {
    case 'terra-api': {
      const { devId, apiKey } = parsers[name](text);
      return [
        { field: 'devId', value: devId },
        { field: 'apiKey', value: apiKey },
      ];
    }
    case 'terra-webhook': {
      const { current, previous } = parsers[name](text);
      const old = previous && { field: 'previous', value: previous.secret, until: previous.validUntil };
      return [{ field: 'current', value: current }, ...(old ? [old] : [])];
    }
    case 'reference-key':
      return [{ field: 'key', value: parsers[name](text) }];
    default:
      return name satisfies never;
  }
}
