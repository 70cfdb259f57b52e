import { OperatorError } from '../failure';
import { canBeOwner } from './owner-key';

/** Whose a Terra user is by his reference id, or why he is nobody's. */
export type Claim =
  | { kind: 'owner'; referenceId: string; sub: string }
  | { kind: 'no_reference_id' | 'not_an_owner' | 'not_in_map' | 'mapped_elsewhere' };

export type Claims = (referenceId: string | undefined) => Claim;

/** A line of the map: an owner, and perhaps what the team thinks Terra knows him by. */
export type MapLine = { sub: string; referenceId: string | undefined };

/** With subjects as reference ids, each reference id names its owner: that is what the setting says. */
export const subjectClaims: Claims = referenceId => {
  if (referenceId === undefined || referenceId === '') return { kind: 'no_reference_id' };
  return canBeOwner(referenceId) ? { kind: 'owner', referenceId, sub: referenceId } : { kind: 'not_an_owner' };
};

/**
 * Only the owners of the map, and each only under the reference id this deployment gives him. Terra's events find an
 * owner by the reference id alone, and Terra cannot change it: a user under another one can never be his here.
 */
export async function mappedClaims(
  lines: readonly MapLine[],
  referenceIdOf: (sub: string) => Promise<string>,
): Promise<Claims> {
  const owners = new Map<string, string>();
  const elsewhere = new Set<string>();
  for (const { sub, referenceId } of lines) {
    const own = await referenceIdOf(sub);
    if (referenceId === undefined || referenceId === own) owners.set(own, sub);
    else elsewhere.add(referenceId);
  }
  return referenceId => {
    if (referenceId === undefined || referenceId === '') return { kind: 'no_reference_id' };
    if (!canBeOwner(referenceId)) return { kind: 'not_an_owner' };
    const sub = owners.get(referenceId);
    if (sub !== undefined) return { kind: 'owner', referenceId, sub };
    return { kind: elsewhere.has(referenceId) ? 'mapped_elsewhere' : 'not_in_map' };
  };
}

/** Reads the map: CSV with a heading; fields without commas may go without quotes. @throws OperatorError naming the line. */
export function readMap(text: string): MapLine[] {
  const [heading, ...rows] = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line, at) => ({ number: at + 1, cells: cellsOf(line) }))
    .filter(({ cells }) => cells.some(cell => cell !== ''));
  const names = heading?.cells.map(cell => cell.trim()) ?? [];
  const isKnown = names.includes('sub') && names.every(name => ['sub', 'reference_id'].includes(name));
  if (!isKnown) throw wrong('The first line of the map must be "sub" or "reference_id,sub"');
  return rows.map(({ number, cells }) => {
    const sub = cells[names.indexOf('sub')] ?? '';
    if (sub === '' || cells.length > names.length) throw wrong(`Line ${number} of the map is not ${names.join(',')}`);
    return { sub, referenceId: cells[names.indexOf('reference_id')] || undefined };
  });
}

function cellsOf(line: string): string[] {
  const cells = [...`${line},`.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*)),/g)];
  return cells.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.trim() ?? '');
}

const wrong = (what: string) => new OperatorError(what, 'Nothing was imported. docs/operations.md shows a map.');
