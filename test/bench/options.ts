import { parseArgs } from 'node:util';
import { BenchError } from './bench-error';

const sections = ['cold', 'warm', 'counted', 'local', 'load'] as const;
type Section = (typeof sections)[number];

/** What was asked of the bench. */
export type BenchOptions = {
  readonly json: boolean;
  /** Major versions of Node to measure on. */
  readonly majors: readonly string[];
  readonly rounds: number;
  readonly wanted: ReadonlySet<Section>;
};

const USAGE = `npm run bench -- [--json] [--node 20,22,24] [--rounds 15] [--only ${sections.join(',')}] [--load]`;

/** @throws BenchError with the usage where something is not understood. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { json, load, node, rounds, only } = parsed(args);
  if (!/^[1-9]\d*$/.test(rounds)) throw refusal('--rounds is a whole number from 1');
  const majors = node.split(',');
  if (!majors.every(major => /^\d+$/.test(major))) throw refusal('--node lists major versions');
  const named = only.split(',').map(name => {
    const section = sections.find(each => each === name);
    if (!section) throw refusal(`--only lists some of ${sections.join(', ')}`);
    return section;
  });
  return {
    json,
    majors,
    rounds: Number(rounds),
    wanted: new Set<Section>([...named, ...(load ? ['load' as const] : [])]),
  };
}

function parsed(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        load: { type: 'boolean', default: false },
        node: { type: 'string', default: process.versions.node.split('.')[0] ?? '' },
        rounds: { type: 'string', default: '15' },
        only: { type: 'string', default: 'cold,warm,counted,local' },
      },
    });
    return values;
  } catch (error) {
    throw refusal(error instanceof Error ? error.message : String(error));
  }
}

const refusal = (what: string) => new BenchError(`${what}\n${USAGE}`);
