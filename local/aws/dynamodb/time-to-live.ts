import { type AwsAnswer, parseObject } from '../aws-call';
import type { Ask } from '../aws-call';
import type { Item } from './table-use';
import type { Write } from './table-writer';
import type { TableDefinition } from './tables';

/** TTL ignores items that expired longer ago than this. */
const FIVE_YEARS_SECONDS = 5 * 365 * 86_400;

/** Emulates DynamoDB's TTL: its two API calls, and the background deletion. */
export function timeToLive(deps: { ask: Ask; write: Write; tables: readonly TableDefinition[]; clock: () => number }) {
  const { ask, write, tables, clock } = deps;
  const attributes = new Map(
    tables.flatMap(({ TableName, TimeToLiveSpecification: ttl }) =>
      ttl?.Enabled ? [[TableName, ttl.AttributeName]] : [],
    ),
  );

  async function purgeTable(table: TableDefinition, attribute: string): Promise<number> {
    const now = Math.floor(clock() / 1000);
    const expired = {
      ExpressionAttributeNames: { '#expiry': attribute },
      ExpressionAttributeValues: { ':now': { N: `${now}` }, ':oldest': { N: `${now - FIVE_YEARS_SECONDS}` } },
    };
    const condition = '#expiry < :now AND #expiry > :oldest';
    let purged = 0;
    let from: object | undefined;
    do {
      const { body } = await ask('Scan', {
        TableName: table.TableName,
        FilterExpression: condition,
        ...expired,
        ...(from && { ExclusiveStartKey: from }),
      });
      for (const item of (body.Items ?? []) as Item[]) {
        const Key = Object.fromEntries(table.KeySchema.map(({ AttributeName: name }) => [name, item[name]]));
        const request = { TableName: table.TableName, Key, ConditionExpression: condition, ...expired };
        const { status } = await write('DeleteItem', JSON.stringify(request), { expired: true });
        if (status === 200) purged += 1;
      }
      from = body.LastEvaluatedKey as object | undefined;
    } while (from);
    return purged;
  }

  return {
    async purge(): Promise<number> {
      let purged = 0;
      for (const table of tables) {
        const attribute = attributes.get(table.TableName);
        if (attribute !== undefined) purged += await purgeTable(table, attribute);
      }
      return purged;
    },

    describe(body: string): AwsAnswer {
      const attribute = attributes.get(String(parseObject(body)?.TableName));
      const description =
        attribute === undefined
          ? { TimeToLiveStatus: 'DISABLED' }
          : { TimeToLiveStatus: 'ENABLED', AttributeName: attribute };
      return { status: 200, body: { TimeToLiveDescription: description } };
    },

    update(body: string): AwsAnswer {
      const request = parseObject(body);
      const specification = request?.TimeToLiveSpecification as { AttributeName: string; Enabled: boolean } | undefined;
      if (specification === undefined) {
        return {
          status: 400,
          body: {
            __type: 'com.amazon.coral.validate#ValidationException',
            message: 'TimeToLiveSpecification is missing',
          },
        };
      }
      if (specification.Enabled) attributes.set(String(request?.TableName), specification.AttributeName);
      else attributes.delete(String(request?.TableName));
      return { status: 200, body: { TimeToLiveSpecification: specification } };
    },
  };
}
