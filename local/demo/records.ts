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

/** A fact, and when it was written; `storedAt` is absent if an earlier run wrote it. Times are ISO 8601. */
export type StoredFact = Omit<RecordFact, 'at'> & { readonly at: string; readonly storedAt?: string };

export type StoredRecords = { readonly referenceIds: readonly string[]; readonly facts: readonly StoredFact[] };

const PAGE = '/_local/records';

/**
 * Serves `GET /_local/records?sub=`: the table's facts about a user, without secrets, links or hashes. Returns false
 * for any other request.
 */
export function recordsPage(
  at: { readonly endpoint: string; readonly tableName: string },
  journal: FactJournal,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const { ownersOf, rowsOf } = tableReader(at);

  const answer = cutOnFailure(async (request, response) => {
    const sub = new URL(request.url ?? '', 'http://localhost').searchParams.get('sub');
    const [status, body] =
      sub === null
        ? [400, { message: 'The parameter sub is missing, for example ?sub=alice' }]
        : [200, await recordsOf(sub)];
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

/**
 * Reads the table with the operator's access key. Does not use the SDK, which loads slowly and prints its own warnings.
 */
function tableReader({ endpoint, tableName }: { endpoint: string; tableName: string }) {
  const from = `AWS4-HMAC-SHA256 Credential=${OPERATOR_ACCESS_KEY}/20000101/${account.region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`;

  /** Returns the items of all pages of a query or scan. */
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
    /** Returns the partitions with a row of this subject: one, unless rows remain from before a change of settings. */
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

/** Records when facts were written, because a fact's own time is Terra's and may be much earlier. */
export type FactJournal = {
  /** Records a changed item. */
  changed(change: TableChange): void;
  /** Returns when this run wrote each fact of the owner, in milliseconds since 1970. */
  writtenOf(owner: string): readonly { readonly at: number; readonly fact: RecordFact }[];
};

const CHANGES_KEPT = 2000;

export function factJournal(clock: () => number = Date.now): FactJournal {
  const recorded: { at: number; change: TableChange; facts?: RecordFact[] }[] = [];
  return {
    changed(change) {
      recorded.push({ at: clock(), change });
      if (recorded.length > CHANGES_KEPT) recorded.shift();
    },
    writtenOf: owner =>
      recorded
        .filter(({ change }) => change.keys[table.partitionKey]?.S === owner)
        .flatMap(one => (one.facts ??= newFacts(one.change)).map(fact => ({ at: one.at, fact }))),
  };
}

function newFacts({ before, after }: TableChange): RecordFact[] {
  const known = factsIn(before);
  return factsIn(after).filter(fact => !known.some(old => isDeepStrictEqual(old, fact)));
}

const factsIn = (item: Item | undefined): RecordFact[] => (item ? factsOf(unmarshall(item as never)) : []);
