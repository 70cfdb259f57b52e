import type { Sandbox } from '../../local/sandbox/sandbox';
import { type LocalStack, startStack } from '../../local/stack';
import { person } from '../support/person';
import { synthesiseOnce } from '../support/synthesis';
import { bundleTwoVersions, type TwoVersions, type Version } from './versions';

/*
 * While a deployment replaces the functions, and after a rollback, two versions work on one table and one stream. Each flow here
 * is a list of steps, and the version can change before each step. Every flow must end as it ends with the current version alone.
 */

type Someone = Awaited<ReturnType<typeof person>>;
type Scene = { stack: LocalStack; sandbox: Sandbox; ana: Someone; ben: Someone; notes: Record<string, unknown> };
type Step = (scene: Scene) => Promise<unknown>;

const open =
  (wish: object = {}): Step =>
  async ({ ana, notes }) => {
    notes.session = await ana.open(wish);
    expect(notes.session).toHaveProperty('url');
  };
const sessionOf = ({ notes }: Scene) => notes.session as { id: string; url: string };
const pick =
  (decision: 'approve' | 'deny' = 'approve'): Step =>
  async scene => {
    scene.notes.code = (await scene.ana.pick(sessionOf(scene).url, 'GARMIN', decision)).sent.code;
  };
const decide =
  (decision: 'approve' | 'deny' = 'approve'): Step =>
  async scene => {
    scene.notes.code = (await scene.ana.decide(sessionOf(scene).url, decision)).sent.code;
  };
const confirm: Step = scene => scene.ana.confirm(sessionOf(scene).id, scene.notes.code);
const read: Step = async scene => [await scene.ana.session(sessionOf(scene).id), await scene.ana.connections()];
const told: Step = ({ sandbox }) => sandbox.settled();
const send =
  (event: string): Step =>
  async ({ ana, sandbox }) => {
    const [connection] = await ana.connections();
    await sandbox.send(String(connection?.terraUserId), event);
  };
const schedule =
  (name: 'sweep-stale' | 'reconcile'): Step =>
  async ({ stack }) => {
    const { outcome } = await stack.invokeSchedule(name);
    expect(outcome).toMatchObject({ ok: true });
  };
const connect = [open({ provider: 'OURA' }), decide(), told, confirm];
/** Connects in one step: 'a direct link' changes the version between its steps. */
const connectAtOnce: Step = async scene => {
  for (const step of connect) await step(scene);
};

const flows: Record<string, Step[]> = {
  'a widget, read, told of data, an error and new permissions': [
    open(),
    pick(),
    told,
    confirm,
    read,
    send('daily'),
    send('connection_error'),
    send('permission_change'),
    schedule('sweep-stale'),
  ],
  'a direct link, disconnected': [
    ...connect,
    schedule('reconcile'),
    async ({ ana }) => {
      const [connection] = await ana.connections();
      await ana.call('DELETE', `/v1/connections/${String(connection?.id)}`);
    },
    schedule('sweep-stale'),
  ],
  'a denial, then an approval in a new session': [open(), pick('deny'), told, read, connectAtOnce],
  'a code that another user redeems': [
    open({ provider: 'OURA' }),
    decide(),
    told,
    scene => scene.ben.confirm(sessionOf(scene).id, scene.notes.code),
    confirm,
    schedule('sweep-stale'),
  ],
  'a token for a phone, whose access is revoked': [
    async ({ ana, notes }) => {
      notes.minted = (await ana.call('POST', '/v1/tokens', { provider: 'APPLE' })).body;
    },
    async ({ ana, notes }) => ana.redeem((notes.minted as { token: string }).token, 'APPLE'),
    told,
    send('access_revoked'),
    schedule('sweep-stale'),
  ],
  'an erasure, then a new connection': [
    connectAtOnce,
    ({ ana }) => ana.call('DELETE', '/v1/me'),
    told,
    schedule('sweep-stale'),
    ...connect,
  ],
};

/** The end of a flow, which must not depend on the version. */
async function endOf({ ana, ben, notes, sandbox, stack }: Scene) {
  await sandbox.settled();
  const { status, failure } = notes.session ? await ana.session((notes.session as { id: string }).id) : {};
  const known = (connections: Record<string, unknown>[]) =>
    connections.map(({ provider, status: is, reason, needsAction, scopes, lastDataAt, connectedAt }) => ({
      ...{ provider, status: is, reason, needsAction, scopes },
      hasData: lastDataAt !== undefined,
      wasConnected: connectedAt !== undefined,
    }));
  return {
    session: { status, failure },
    ana: known(await ana.connections()),
    ben: known(await ben.connections()),
    letters: stack.queues.urls.flatMap(url => stack.queues.bodies(url)),
  };
}

let stack: LocalStack;
let versions: TwoVersions;
beforeAll(async () => {
  versions = bundleTwoVersions();
  stack = await startStack({ synthesise: request => synthesiseOnce(request, versions.bundles) });
});
afterAll(async () => {
  await stack?.close();
  versions?.remove();
});

let people = 0;
async function play(steps: readonly Step[], versionAt: (step: number) => Version) {
  const { sandbox } = stack;
  if (!sandbox) throw new Error('this needs the sandbox');
  sandbox.reset();
  const [ana, ben] = await Promise.all([person(stack, `ana-${++people}`), person(stack, `ben-${people}`)]);
  const scene: Scene = { stack, sandbox, ana, ben, notes: {} };
  for (const [index, step] of steps.entries()) {
    versions.choose(versionAt(index));
    await step(scene);
  }
  versions.choose(versionAt(steps.length));
  return endOf(scene);
}

describe.each(Object.entries(flows))('%s', (_flow, steps) => {
  let expected: Awaited<ReturnType<typeof endOf>>;
  beforeAll(async () => {
    expected = await play(steps, () => 'current');
  });

  test('publishes every event', () => {
    expect(expected.letters).toEqual([]);
  });

  test('ends the same if the new version comes before any step', async () => {
    for (let at = 1; at <= steps.length; at++) {
      expect(await play(steps, step => (step < at ? 'previous' : 'current'))).toEqual(expected);
    }
  });

  test('ends the same if the new version is rolled back before any step', async () => {
    for (let at = 1; at <= steps.length; at++) {
      expect(await play(steps, step => (step < at ? 'current' : 'previous'))).toEqual(expected);
    }
  });

  test('ends the same if the versions take turns', async () => {
    for (const previous of [0, 1]) {
      expect(await play(steps, step => (step % 2 === previous ? 'previous' : 'current'))).toEqual(expected);
    }
  });
});
