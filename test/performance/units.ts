import { table } from '../../functions/core/store/table';
import type { Item, TableRead, TableWrite } from '../../local/aws/dynamodb/table-use';

/*
 * What DynamoDB charges for a request, by AWS's published rules (read 2026-11-23), since emulators leave index entries out:
 * item sizes   https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 * units        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
 * conditions   https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html
 * indexes      https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
 */

/** Write units of one request: for the item itself, and for its entry in the due index. */
export type WriteUnits = { readonly table: number; readonly index: number };

const READ_BLOCK_BYTES = 4096;
const WRITE_BLOCK_BYTES = 1024;
/** Of a list or map, and of each element in one. */
const DOCUMENT_OVERHEAD_BYTES = 3;
const ELEMENT_OVERHEAD_BYTES = 1;

/** The size of an item as DynamoDB counts it: names and values, in bytes. */
export function itemBytes(item: Item): number {
  return sum(Object.entries(item).map(([name, value]) => Buffer.byteLength(name) + valueBytes(value)));
}

/** A read counts 4 KiB blocks over everything it went through, half as much where it need not be consistent, and never nothing. */
export function readUnits({ items, isConsistent }: Pick<TableRead, 'items' | 'isConsistent'>): number {
  const blocks = Math.max(1, Math.ceil(sum(items.map(itemBytes)) / READ_BLOCK_BYTES));
  return isConsistent ? blocks : blocks / 2;
}

/** Returns the write units of one item: 1 per KiB of the larger of the item before and after. A refused write costs the same. */
export function writeUnits({
  before,
  after,
  put,
  isRefused,
}: Omit<TableWrite, 'kind' | 'action' | 'table'>): WriteUnits {
  const bytes = Math.max(...[before, after, isRefused ? put : undefined].map(image => (image ? itemBytes(image) : 0)));
  return { table: blocksOf(bytes), index: isRefused ? 0 : indexUnits(before, after) };
}

/** The entry of an item in the due index: keys only, and only where the item has both of the index's keys. */
export function dueEntry(item: Item | undefined): Item | undefined {
  const { index: _, partitionKey, sortKey } = table.due;
  if (item?.[partitionKey] === undefined || item[sortKey] === undefined) return undefined;
  const keys: readonly string[] = [table.partitionKey, table.sortKey, partitionKey, sortKey];
  return Object.fromEntries(Object.entries(item).filter(([name]) => keys.includes(name)));
}

/** An entry that comes or goes is one write; one whose keys change goes and comes. */
function indexUnits(before: Item | undefined, after: Item | undefined): number {
  const [old, next] = [dueEntry(before), dueEntry(after)];
  if (JSON.stringify(keysOf(old)) === JSON.stringify(keysOf(next))) return 0;
  return sum([old, next].map(entry => (entry ? blocksOf(itemBytes(entry)) : 0)));
}

const keysOf = (entry: Item | undefined) => entry && [entry[table.due.partitionKey], entry[table.due.sortKey]];

const blocksOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / WRITE_BLOCK_BYTES));

function valueBytes(value: Record<string, unknown>): number {
  const [[type, inner] = []] = Object.entries(value);
  switch (type) {
    case 'S':
      return Buffer.byteLength(inner as string);
    case 'N':
      return numberBytes(inner as string);
    case 'B':
      return Buffer.from(inner as string, 'base64').length;
    case 'BOOL':
    case 'NULL':
      return 1;
    case 'SS':
      return sum((inner as string[]).map(text => Buffer.byteLength(text)));
    case 'NS':
      return sum((inner as string[]).map(numberBytes));
    case 'L':
      return (
        DOCUMENT_OVERHEAD_BYTES +
        sum((inner as Item[string][]).map(element => ELEMENT_OVERHEAD_BYTES + valueBytes(element)))
      );
    case 'M':
      return (
        DOCUMENT_OVERHEAD_BYTES + ELEMENT_OVERHEAD_BYTES * Object.keys(inner as Item).length + itemBytes(inner as Item)
      );
    default:
      throw new Error(`no rule for a value of the type ${type}`);
  }
}

/** One byte for each two significant digits, and one. */
function numberBytes(text: string): number {
  const [mantissa = ''] = text.replace(/^[+-]/, '').split(/[eE]/);
  const digits = mantissa.replace('.', '').replace(/^0+|0+$/g, '');
  return Math.ceil(digits.length / 2) + 1;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
