import type { LocalStack } from '../../local/stack';
import { person } from '../support/person';
import type { Person } from './play';
import { answersTo, asked, byLink } from './steps';
import { startSharedStack } from '../support/synthesis';

/*
 * With `referenceId: "subject"` another program of the same team can have Terra users under the same reference ids. They are
 * not made through a link of the deployment, so it must neither show nor end them.
 */

let stack: LocalStack;
beforeAll(async () => {
  stack = await startSharedStack({ settings: { referenceId: 'subject' } });
});
afterAll(() => stack?.close());
afterEach(() => stack?.sandbox?.reset());

const sandboxOf = ({ sandbox }: LocalStack) => {
  if (!sandbox) throw new Error('these tests need the sandbox');
  return sandbox;
};

/** Returns a user who has connected OURA here, with the reference id that Terra knows. */
async function connectedUser(name: string): Promise<{ who: Person; referenceId: string }> {
  const sandbox = sandboxOf(stack);
  const who = await person(stack, name);
  expect(await byLink(who, 'OURA')).toMatchObject({ confirmed: 200, connections: [{ status: 'connected' }] });
  await sandbox.settled();
  const referenceId = sandbox.users().at(-1)?.referenceId ?? '';
  expect(referenceId).toBe(name);
  return { who, referenceId };
}

const oura = expect.objectContaining({ provider: 'OURA', status: 'connected' });
const deauthenticated = () =>
  asked(sandboxOf(stack))
    .filter(({ method, path }) => method === 'DELETE' && path.includes('/auth/deauthenticateUser'))
    .map(({ path }) => /user_id=(.*)/.exec(path)?.[1]);

test('a Terra user of another program and its later events change nothing', async () => {
  const sandbox = sandboxOf(stack);
  const { who, referenceId } = await connectedUser('anna');
  const theirs = await sandbox.connectElsewhere({ provider: 'GARMIN', referenceId });
  const events = ['daily', 'permission_change', 'connection_error', 'deauth'];
  for (const event of events) await sandbox.send(theirs.userId, event);

  const answers = ['auth', ...events].map(event => answersTo(sandbox, event));
  expect(answers).toEqual(answers.map(() => ['200 foreign']));
  expect(await who.connections()).toEqual([oura]);
  expect(deauthenticated()).toEqual([]);
});

test('a Terra user of another program is not the result of the only open session', async () => {
  const sandbox = sandboxOf(stack);
  const { who, referenceId } = await connectedUser('bella');
  const session = await who.open();
  await sandbox.connectElsewhere({ provider: 'GARMIN', referenceId });

  expect(answersTo(sandbox, 'auth')).toEqual(['200 foreign']);
  expect(await who.connections()).toEqual([oura]);
  expect(await who.session(session.id)).toMatchObject({ status: 'pending' });
  const { sent } = await who.pick(String(session.url), 'POLAR');
  expect(await who.confirm(session.id, sent.code)).toMatchObject({ body: { connection: { provider: 'POLAR' } } });
});

test('erasing a user leaves the Terra users of another program at Terra', async () => {
  const sandbox = sandboxOf(stack);
  const { who, referenceId } = await connectedUser('cara');
  const ours = sandbox.users().at(-1)?.userId;
  const theirs = await sandbox.connectElsewhere({ provider: 'GARMIN', referenceId });
  for (const event of ['permission_change', 'connection_error']) await sandbox.send(theirs.userId, event);

  expect((await who.call('DELETE', '/v1/me')).status).toBe(202);
  await stack.invokeSchedule('sweep-stale');
  await sandbox.settled();
  expect(sandbox.users().map(({ userId }) => userId)).toEqual([theirs.userId]);
  expect(deauthenticated()).toEqual([ours]);
});

test('a connection ends when another program connects the same account: Terra has deleted its Terra user', async () => {
  const sandbox = sandboxOf(stack);
  const { who, referenceId } = await connectedUser('dora');
  const theirs = await sandbox.connectElsewhere({ provider: 'OURA', referenceId });

  expect(sandbox.users().map(({ userId }) => userId)).toEqual([theirs.userId]);
  expect(await who.connections()).toMatchObject([{ status: 'disconnected', reason: 'deauthorised' }]);
  expect(deauthenticated()).toEqual([]);
});
