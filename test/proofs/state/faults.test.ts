import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as fc from 'fast-check';
import { dynamoStore } from '../../../functions/core/store/dynamo-store';
import type { Store } from '../../../functions/core/store/store';
import { startDynamoDb } from '../../../local/aws/dynamodb/dynamodb';
import type { Fate } from './faulty-store';
import { holds, same } from './proof';
import { clear, histories, outcome, play, type Scenario, scenarios } from './scenario';

/** Fates in a fixed order for a seed: as many of a hundred calls fail as `rate` says, half of them after they took effect. */
function fates(rate: number, seed: number): () => Fate {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const drawn = (state >>> 8) % 1_000;
    if (drawn >= rate * 10) return 'succeeds';
    return drawn % 2 === 0 ? 'fails before' : 'answer lost';
  };
}

async function endsTheSame(scenario: Scenario, rate: number, seed: number, store?: Store): Promise<boolean> {
  const unharmed = await play(scenario, 'as told');
  const harmed = await play(scenario, { fateOf: fates(rate, seed) }, store);

  return (
    same(await outcome(harmed), await outcome(unharmed)) && same(await histories(harmed), await histories(unharmed))
  );
}

const seeds = fc.nat(0xffff_ffff);

describe.each([0, 10, 30])('if %i of a hundred table calls fail', rate => {
  test('nothing is lost, doubled or different once everything was delivered again (memory)', async () => {
    await holds(
      fc.asyncProperty(scenarios(), seeds, async (scenario, seed) => {
        expect(await endsTheSame(scenario, rate, seed)).toBe(true);
      }),
      300,
      4_000,
    );
  });

  test('nothing is lost, doubled or different once everything was delivered again (DynamoDB)', async () => {
    await holds(
      fc.asyncProperty(scenarios(), seeds, async (scenario, seed) => {
        await clear(dynamo.store);
        expect(await endsTheSame(scenario, rate, seed, dynamo.store)).toBe(true);
      }),
      12,
      400,
    );
  });
});

let dynamo: { store: Store; close: () => Promise<void> };
beforeAll(async () => {
  const emulator = await startDynamoDb();
  const client = new DynamoDBClient({
    endpoint: emulator.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  dynamo = {
    store: dynamoStore(client, emulator.tableName),
    close: async () => {
      client.destroy();
      await emulator.close();
    },
  };
});
afterAll(() => dynamo.close());
