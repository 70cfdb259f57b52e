import { type LoadedStack, startLoadedStack } from './loaded-stack';
import { EVERYDAY } from './measure-load';
import { functionProcesses, isRunning } from './processes';
import { type Deliveries, deliveries, sessionRequests } from './shots';
import { countOf, fire, type Shot, type Volley } from './volley';

let stack: LoadedStack;
let webhooks: Deliveries;
let sessions: () => Shot;

beforeAll(async () => {
  stack = await startLoadedStack({ throttles: 'template' });
  webhooks = deliveries({ ...stack, owners: await stack.ownersWithSession(40) }, EVERYDAY);
  sessions = sessionRequests(await stack.owners(60));
});

afterAll(() => stack?.close());

const lost = ({ connectionsLost, unanswered }: Volley) => connectionsLost + unanswered;

async function isServedNow(shot: Shot): Promise<boolean> {
  const { method, path, headers, body } = shot;
  const answer = await fetch(stack.apiUrl + path, { method, headers, ...(body !== undefined && { body }) });
  await answer.arrayBuffer();
  return answer.ok;
}

/** Time enough on a machine that has much else to do. */
const PATIENCE_SECONDS = 120;

/** Waits until it holds; false where it does not in time. */
async function comesTrue(holds: () => Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + PATIENCE_SECONDS * 1000; Date.now() < end; ) {
    if (await holds()) return true;
    await new Promise(done => setTimeout(done, 100));
  }
  return false;
}

test('webhooks and sessions within the throttles are all served over a growing number of connections', async () => {
  for (const connections of [1, 4, 8]) {
    const all = { url: stack.apiUrl, connections, seconds: PATIENCE_SECONDS, whole: true };
    const volleys = await Promise.all([
      fire({ ...all, amount: 40, next: webhooks.next }),
      fire({ ...all, amount: 10, next: sessions }),
    ]);

    expect(volleys.map(countOf)).toEqual([{ 200: 40 }, { 201: 10 }]);
    expect(volleys.map(lost)).toEqual([0, 0]);
  }
});

test('a flood gets 429 and 503, accepted requests are stored, and ordinary requests are then served again', async () => {
  const all = { url: stack.apiUrl, seconds: PATIENCE_SECONDS, whole: true };
  const [flooded, opened] = await Promise.all([
    fire({ ...all, connections: 120, amount: 300, next: webhooks.next }),
    fire({ ...all, connections: 60, amount: 150, next: sessions }),
  ]);
  const during = functionProcesses(stack.pid).length;
  const isOver = await comesTrue(async () => (await isServedNow(webhooks.next())) && isServedNow(sessions()));
  const known = await stack.connectedUsers();

  expect(Object.keys(countOf(flooded)).filter(status => !['200', '429', '503'].includes(status))).toEqual([]);
  expect(Object.keys(countOf(opened)).filter(status => !['201', '429', '503'].includes(status))).toEqual([]);
  expect([countOf(flooded)[503], countOf(opened)[429]]).toEqual([expect.any(Number), expect.any(Number)]);
  expect([flooded, opened].map(({ answers }) => answers.length)).toEqual([300, 150]);
  expect([flooded, opened].map(lost)).toEqual([0, 0]);
  expect(isOver).toBe(true);
  expect([...webhooks.accepted].filter(userId => !known.has(userId))).toEqual([]);
  // No more than ten processes of each of the functions that were asked: for webhooks, sessions and changes.
  expect(during).toBeGreaterThan(3);
  expect(during).toBeLessThanOrEqual(30);
});

test('after a flood its processes and sockets are closed', async () => {
  const { sockets } = await stack.look();

  expect(await comesTrue(async () => functionProcesses(stack.pid).length <= 3)).toBe(true);
  // Those between the gateway, its functions and the emulated services that are left.
  expect((await stack.look()).sockets).toBeLessThanOrEqual(Math.min(sockets, 20));
});

test('a stack that is stopped under load ends with all its processes', async () => {
  const load = fire({ url: stack.apiUrl, connections: 20, seconds: 2, whole: true, next: webhooks.next });
  await comesTrue(async () => functionProcesses(stack.pid).length > 3);
  const processes = functionProcesses(stack.pid);

  const exitStatus = await stack.close();
  await load;

  expect(exitStatus).toBe(0);
  expect(processes.length).toBeGreaterThan(0);
  expect(processes.filter(({ pid }) => isRunning(pid))).toEqual([]);
});
