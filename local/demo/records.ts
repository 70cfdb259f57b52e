import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { table } from '../../functions/core/store/table';
import { account } from '../aws/iam/account';
import { OPERATOR_ACCESS_KEY } from '../deployment';
import { cutOnFailure } from '../loopback';
import { factsOf, type RecordFact } from './record-facts';
import type { Item } from '../aws/dynamodb/table-use';
import type { TableChange } from '../aws/dynamodb/table-writer';

/** A fact, and when this run saw it being written; absent for one of an earlier run. Times are ISO 8601. */
export type StoredFact = Omit<RecordFact, 'at'> & { readonly at: string; readonly storedAt?: string };

export type StoredRecords = { readonly referenceIds: readonly string[]; readonly facts: readonly StoredFact[] };

const PAGE = '/_local/records';

/**
 * Answers `GET /_local/records?sub=` with what the emulated table holds about that user, fact by fact and without secrets,
 * links or hashes; false for any other request.
 */
export function recordsPage(
  at: { readonly endpoint: string; readonly tableName: string },
  journal: FactJournal,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const { ownersOf, rowsOf } = tableReader(at);

  const answer = cutOnFailure(async (request, response) => {
    const sub = new URL(request.url ?? '', 'http://localhost').searchParams.get('sub');
    const [status, body] =
      sub === null ? [400, { message: 'Whose records? Name a user: ?sub=alice' }] : [200, await recordsOf(sub)];
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(body));
  });

  async function recordsOf(sub: string): Promise<StoredRecords> {
    const referenceIds = await ownersOf(sub);
    const rows = (await Promise.all(referenceIds.map(rowsOf))).flat();
    const written = referenceIds.flatMap(owner => journal.writtenOf(owner));
    const facts = rows.flatMap(factsOf).map(fact => {
      const write = written.findLast(known => isDeepStrictEqual(known.fact, fact));
      return { ...fact, at: iso(fact.at), ...(write && { storedAt: iso(write.at) }) };
    });
    return { referenceIds, facts };
  }

  return (request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== PAGE) return false;
    answer(request, response);
    return true;
  };
}

/** Reads the table as an operator would. Without the SDK, which takes long to load and has words of its own for the terminal. */
function tableReader({ endpoint, tableName }: { endpoint: string; tableName: string }) {
  const from = `AWS4-HMAC-SHA256 Credential=${OPERATOR_ACCESS_KEY}/20000101/${account.region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`;

  /** Every page of a query or a scan. */
  async function itemsOf(action: 'Query' | 'Scan', asked: object): Promise<Record<string, unknown>[]> {
    const items: Record<string, unknown>[] = [];
    let start: unknown;
    do {
      const answer = await fetch(endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': `DynamoDB_20120810.${action}`,
          'x-amz-date': '20000101T000000Z',
          authorization: from,
        },
        body: JSON.stringify({ TableName: tableName, ConsistentRead: true, ExclusiveStartKey: start, ...asked }),
      });
      if (!answer.ok) throw new Error(`the emulated table answered ${answer.status}`);
      const { Items = [], LastEvaluatedKey } = (await answer.json()) as { Items?: Item[]; LastEvaluatedKey?: Item };
      items.push(...Items.map(item => unmarshall(item as never)));
      start = LastEvaluatedKey;
    } while (start !== undefined);
    return items;
  }

  return {
    /** The partitions with a row of this subject: one, unless rows outlived a change of settings. */
    async ownersOf(sub: string): Promise<string[]> {
      const rows = await itemsOf('Scan', {
        FilterExpression: '#sub = :sub',
        ProjectionExpression: '#owner',
        ExpressionAttributeNames: { '#sub': 'sub', '#owner': table.partitionKey },
        ExpressionAttributeValues: { ':sub': { S: sub } },
      });
      return [...new Set(rows.map(row => String(row[table.partitionKey])))];
    },
    rowsOf: (owner: string) =>
      itemsOf('Query', {
        KeyConditionExpression: '#owner = :owner',
        ExpressionAttributeNames: { '#owner': table.partitionKey },
        ExpressionAttributeValues: { ':owner': { S: owner } },
      }),
  };
}

const iso = (at: number): string => new Date(at).toISOString();

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
