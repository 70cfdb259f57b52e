import type { Item } from '../../local/aws/dynamodb/table-use';
import { type CountedStack, startCountedStack } from './counted-stack';
import type { FlowCounts, Step } from './flow-counts';
import { flows } from './flows';
import { recorder } from './recorder';
import { itemBytes } from './units';

/** Goes through every flow on the running local stack, once cold and then warm, and counts each step. */
export async function countFlows(): Promise<FlowCounts> {
  const counted = await startCountedStack();
  try {
    const steps: Step[] = [];
    const quiet = recorder(counted, undefined);
    for (const flow of flows) await flow(recorder(counted, steps), quiet);
    return { steps, ...sessionBytes(counted), publisherLogBytes: counted.publisherLogBytes() };
  } finally {
    await counted.close();
  }
}

function sessionBytes({ changes }: CountedStack): Pick<FlowCounts, 'returnedSessionBytes' | 'linkRoomBytes'> {
  const sessions = changes.flatMap(({ after }) => (after?.stateHash ? [withLongestTimes(after)] : []));
  const returned = sessions.filter(item => item.returned).map(itemBytes);
  const waiting = sessions
    .filter(item => item.url)
    .map(({ url: _, ...rest }) => itemBytes({ ...rest, url: { S: '' } }));
  return { returnedSessionBytes: Math.max(...returned), linkRoomBytes: 1024 - Math.max(...waiting) };
}

/** Every time with as many digits as it can count: DynamoDB leaves out the zeros at the end. */
function withLongestTimes(item: Item): Item {
  const text = JSON.stringify(item).replace(
    /"N":"(\d{10}|\d{13})"/g,
    (_, time: string) => `"N":"${'9'.repeat(time.length)}"`,
  );
  return JSON.parse(text) as Item;
}
