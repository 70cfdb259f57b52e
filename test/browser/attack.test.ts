import { eventually } from '../support/person';
import { type Scene, stage } from './stage';
import { type Visitor, visitor } from './visitor';

const scene = stage();
const refused = { answers: [/^POST \/v1\/sessions\/[\w-]+\/confirm 404$|^GET \/v1\/sessions\/[\w-]+ 404$/] };

/** What Terra was asked to end, and what it answered. */
const deauthentications = ({ stack }: Scene) =>
  (stack.sandbox?.history() ?? []).filter(
    entry => entry.kind === 'request' && entry.path.startsWith('/v2/auth/deauthenticateUser'),
  );

/** Everybody's connections, once nothing is on its way to be ended any more. */
const settled = async (people: readonly Visitor[]) => {
  const all = await Promise.all(
    people.map(({ connections }) => eventually(connections, rows => rows.every(row => row.status === 'disconnected'))),
  );
  return all.flat();
};

test(
  'a link that a different user finishes in another browser connects no one, and both users see why',
  scene(async on => {
    const mallory = await visitor(on, 'mallory', { permissions: ['clipboard-read', 'clipboard-write'] });
    await mallory.openDemo();
    await mallory.signIn();
    await mallory.press(mallory.page.getByText('Try to steal a connection'));
    await mallory.look('about to steal');
    await mallory.press('Copy the link for another browser');
    await mallory.sees('Waiting for you at Terra');
    const link = await mallory.page.evaluate<string>('navigator.clipboard.readText()');

    const victor = await visitor(on, 'victor');
    await victor.openDemo();
    await victor.signIn();
    await victor.page.goto(link);
    await victor.approve();

    await victor.sees('This link does not belong to victor');
    await victor.sees('Nothing is connected to victor yet');
    await victor.look('refused');
    await mallory.sees('Another user finished this link');
    await mallory.sees('Nothing is connected now');
    await mallory.look('told');
    await mallory.press(mallory.page.getByText('Past connections (1)'));
    await mallory.sees('Another user finished a link that you had started, so the connection was removed.');
    await mallory.look('what is past');
    expect(await settled([mallory, victor])).toMatchObject([{ provider: 'GARMIN', reason: 'wrong_owner' }]);
    expect(await victor.connections()).toEqual([]);
    expect(deauthentications(on)).toMatchObject([{ result: 200 }]);
  }, refused),
);

test(
  'in one browser with two users, the user who started the link sees that it was rejected',
  scene(async on => {
    const alice = await visitor(on, 'alice');
    await alice.openDemo();
    await alice.press('alice');
    await alice.press(alice.page.getByText('Try to steal a connection'));
    await alice.press('Continue as bob');
    await alice.approve();

    await alice.sees('alice did not get the connection');
    await alice.look('as bob');
    await alice.press('View as alice');
    await alice.sees('Another user finished this link');
    await alice.look('as alice');
    expect(await settled([alice])).toMatchObject([{ provider: 'GARMIN', reason: 'wrong_owner' }]);
    expect(deauthentications(on)).toMatchObject([{ result: 200 }]);
  }, refused),
);

test(
  'another browser that opens the return of a link connects no one, and the connection ends',
  scene(async on => {
    const mallory = await visitor(on, 'mona');
    await mallory.openDemo();
    await mallory.signIn();
    await mallory.goStraightTo('Garmin');
    await mallory.approve();
    await mallory.seesConnection('Garmin', 'Connected');
    const [callback = ''] = mallory.context.watch.callbacks;

    const victor = await visitor(on, 'vera', { locale: 'de-DE', userAgent: 'the browser of somebody else' });
    await victor.page.goto(callback);
    await victor.sees(victor.page.getByRole('heading', { name: 'Sie können diese Seite schließen' }));
    await victor.look('a return that is not his');

    expect(victor.context.watch.codes).toEqual([]);
    // The first run records that two users took part, the next one deauthenticates the Terra user.
    for (const _run of ['records', 'ends']) await on.stack.invokeSchedule('sweep-stale');
    expect(await settled([mallory])).toMatchObject([{ provider: 'GARMIN', reason: 'wrong_owner' }]);
    expect(deauthentications(on)).toMatchObject([{ result: 200 }]);
  }),
);

test(
  'a return that is forged after a denial connects no one, even after a different user approved in another browser',
  scene(async on => {
    on.stack.sandbox?.switchOn('link-survives-denial');
    const mallory = await visitor(on, 'milo');
    await mallory.openDemo();
    await mallory.signIn();
    await mallory.goStraightTo('Garmin');
    const consent = mallory.page.url();
    await mallory.deny();
    const failure = new URL(mallory.context.watch.callbacks[0] ?? '');
    expect(failure.searchParams.get('user_id')).toMatch(/^[\da-f-]{36}$/);
    const forged = failure.href.replace('/failure?', '/success?');

    const forger = await mallory.otherTab();
    await forger.page.goto(forged);
    await forger.sees(forger.page.getByRole('heading', { name: 'One moment' }));
    await forger.look('waiting for Terra');

    const victor = await visitor(on, 'viktor', { locale: 'de-DE', userAgent: 'the browser of somebody else' });
    await victor.page.goto(consent);
    await victor.approve();
    await on.stack.sandbox?.settled();
    await forger.page.goto(forged);

    expect(mallory.context.watch.codes).toEqual([]);
    const connections = await mallory.connections();
    expect(connections.filter(({ status }) => status === 'connected')).toEqual([]);
    expect(await victor.connections()).toEqual([]);
  }),
);
