import { isDeepStrictEqual } from 'node:util';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { table } from '../../functions/core/store/table';
import { factsOf, type RecordFact } from './record-facts';
import type { Item } from '../aws/dynamodb/table-use';
import type { TableChange } from '../aws/dynamodb/table-writer';

/** Remembers when facts were written, for a fact's own time is Terra's and may be long past when it comes in. */
export type FactJournal = {
  /** Hears of every item that changed. */
  changed(change: TableChange): void;
  /** When this run last saw each fact of the owner being written, in milliseconds since 1970. */
  writtenOf(owner: string): readonly { readonly at: number; readonly fact: RecordFact }[];
};

const CHANGES_KEPT = 2000;

export function factJournal(clock: () => number = Date.now): FactJournal {
  const heard: { at: number; change: TableChange; facts?: RecordFact[] }[] = [];
  return {
    changed(change) {
      heard.push({ at: clock(), change });
      if (heard.length > CHANGES_KEPT) heard.shift();
    },
    writtenOf: owner =>
      heard
        .filter(({ change }) => change.keys[table.partitionKey]?.S === owner)
        .flatMap(one => (one.facts ??= newFacts(one.change)).map(fact => ({ at: one.at, fact }))),
  };
}

function newFacts({ before, after }: TableChange): RecordFact[] {
  const known = factsIn(before);
  return factsIn(after).filter(fact => !known.some(old => isDeepStrictEqual(old, fact)));
}

const factsIn = (item: Item | undefined): RecordFact[] => (item ? factsOf(unmarshall(item as never)) : []);
