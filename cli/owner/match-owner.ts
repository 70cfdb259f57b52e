import { OperatorError } from '../failure';
import { canBeOwner } from './job';

/** The owner of a Terra user according to its reference id, or why it has none. */
export type OwnerMatch =
  | { kind: 'owner'; referenceId: string; sub: string }
  | { kind: 'no_reference_id' | 'not_an_owner' | 'not_in_map' | 'mapped_elsewhere' };

export type MatchOwner = (referenceId: string | undefined) => OwnerMatch;

/** A line of the map: a subject and, if given, its reference id at Terra. */
export type MapLine = { sub: string; referenceId: string | undefined };

/** With `referenceId: "subject"`, every reference id is the subject of its owner. */
export const matchBySubject: MatchOwner = referenceId => {
  if (referenceId === undefined || referenceId === '') return { kind: 'no_reference_id' };
  return canBeOwner(referenceId) ? { kind: 'owner', referenceId, sub: referenceId } : { kind: 'not_an_owner' };
};

/**
 * Matches only the subjects in the map, each by the reference id that this deployment computes. A Terra user with another
 * reference id cannot be imported: Terra cannot change the id, and only by it do events find their owner.
 */
export async function matchByMap(
  lines: readonly MapLine[],
  referenceIdOf: (sub: string) => Promise<string>,
): Promise<MatchOwner> {
  const owners = new Map<string, string>();
  const otherIds = new Set<string>();
  for (const { sub, referenceId } of lines) {
    const computed = await referenceIdOf(sub);
    if (referenceId === undefined || referenceId === computed) owners.set(computed, sub);
    else otherIds.add(referenceId);
  }
  return referenceId => {
    if (referenceId === undefined || referenceId === '') return { kind: 'no_reference_id' };
    if (!canBeOwner(referenceId)) return { kind: 'not_an_owner' };
    const sub = owners.get(referenceId);
    if (sub !== undefined) return { kind: 'owner', referenceId, sub };
    return { kind: otherIds.has(referenceId) ? 'mapped_elsewhere' : 'not_in_map' };
  };
}

/** Parses the map, a CSV file with a heading. Fields with commas are quoted. @throws OperatorError naming the wrong line. */
export function readMap(text: string): MapLine[] {
  const [heading, ...rows] = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line, at) => ({ number: at + 1, cells: cellsOf(line) }))
    .filter(({ cells }) => cells.some(cell => cell !== ''));
  const names = heading?.cells.map(cell => cell.trim()) ?? [];
  const isKnown = names.includes('sub') && names.every(name => ['sub', 'reference_id'].includes(name));
  if (!isKnown) throw invalidMap('The first line of the map must be "sub" or "reference_id,sub"');
  return rows.map(({ number, cells }) => {
    const sub = cells[names.indexOf('sub')] ?? '';
    if (sub === '' || cells.length > names.length)
      throw invalidMap(`Line ${number} of the map is not ${names.join(',')}`);
    return { sub, referenceId: cells[names.indexOf('reference_id')] || undefined };
  });
}

function cellsOf(line: string): string[] {
  const cells = [...`${line},`.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*)),/g)];
  return cells.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.trim() ?? '');
}

const invalidMap = (what: string) => new OperatorError(what, 'Nothing was imported. docs/operations.md shows a map.');
