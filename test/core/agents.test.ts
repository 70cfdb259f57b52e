import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { TerraRequest } from '../../functions/core/terra/terra-http';
import { MINUTE, SECOND, systemClock } from '../../functions/core/platform/clock';
import * as live from '../../functions/core/platform/dependencies';
import { sendWithin } from '../../functions/core/terra/terra-http';

const BODY = '{}';
const ANSWER = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;

/** Every connection since the test began. The server answers what it receives until the network drops the connection. */
const connections: { socket: Socket; isDropped: boolean; received: number; lost: number }[] = [];
const server = createServer(socket => {
  const connection = { socket, isDropped: false, received: 0, lost: 0 };
  connections.push(connection);
  socket.on('error', () => undefined);
  socket.on('data', () => {
    connection[connection.isDropped ? 'lost' : 'received']++;
    // Neither side sees the end of a dropped connection.
    if (!connection.isDropped) setTimeout(() => socket.write(ANSWER), 20);
  });
});
let url: URL;
let passed = 0;

beforeAll(async () => {
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  Object.assign(process.env, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_DYNAMODB: url.href,
    TABLE_NAME: 'records',
  });
  const now = Date.now;
  jest.spyOn(Date, 'now').mockImplementation(() => now() + passed);
});
afterEach(() => {
  for (const { socket } of connections.splice(0)) socket.destroy();
  // Leaves no connection of one test to the next.
  passed += MINUTE;
});
afterAll(() => {
  jest.restoreAllMocks();
  server.close();
});

/** The network drops every open connection while Lambda freezes the function, and the function thaws after this time. */
function freeze(ms: number): void {
  for (const connection of connections) connection.isDropped = true;
  passed += ms;
}

const BUDGET = { connect: SECOND, attempt: SECOND, total: SECOND };
const toTerra = (method: TerraRequest['method'] = 'POST') =>
  sendWithin({ method, url, headers: {}, body: BODY }, false, BUDGET, systemClock);
const fromTable = () => live.store().findFingerprint();
const lostRequests = () => connections.reduce((sum, { lost }) => sum + lost, 0);
const answered = { kind: 'answer', status: 200, body: BODY };

test('a POST to Terra after a freeze does not meet a connection that the network dropped', async () => {
  await toTerra();
  freeze(31 * SECOND);

  expect(await toTerra()).toEqual(answered);
  expect(connections).toHaveLength(2);
});

test('several POSTs at once do not either, if several connections were idle', async () => {
  await Promise.all([toTerra(), toTerra(), toTerra()]);
  freeze(10 * MINUTE);

  expect(await Promise.all([toTerra(), toTerra(), toTerra()])).toEqual([answered, answered, answered]);
});

test('a stale connection is not used while another is in use', async () => {
  await Promise.all([toTerra(), toTerra()]);
  passed += 20 * SECOND;
  await toTerra();
  passed += 20 * SECOND;
  for (const connection of connections) connection.isDropped = connection.received === 1;

  expect(await Promise.all([toTerra(), toTerra()])).toEqual([answered, answered]);
});

test('a connection that was idle for half a minute is used again', async () => {
  for (let n = 0; n < 3; n++) {
    await toTerra();
    passed += 29 * SECOND;
  }

  expect(connections).toHaveLength(1);
});

test('a call of the AWS SDK after a freeze does not meet a dropped connection either', async () => {
  await Promise.all([fromTable(), fromTable(), fromTable()]);
  freeze(31 * SECOND);

  await Promise.all([fromTable(), fromTable(), fromTable()]);

  expect([connections.length, lostRequests()]).toEqual([6, 0]);
});

test('a call of the AWS SDK without an answer times out, and is repeated on another connection', async () => {
  await fromTable();
  freeze(SECOND);

  expect(await fromTable()).toBeUndefined();
  expect([connections.length, lostRequests()]).toEqual([2, 1]);
});
