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
  'a link that somebody else finishes in another browser connects nobody, and both are told',
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

    await victor.sees('This link was not victor’s');
    await victor.sees('Nothing is connected to victor yet');
    await victor.look('refused');
    await mallory.sees('Somebody else finished this link');
    await mallory.sees('Nothing is connected now');
    await mallory.look('told');
    await mallory.press(mallory.page.getByText('Past connections (1)'));
    await mallory.sees('Somebody else finished a link you had started, so it was cut before it counted.');
    await mallory.look('what is past');
    expect(await settled([mallory, victor])).toMatchObject([{ provider: 'GARMIN', reason: 'wrong_owner' }]);
    expect(await victor.connections()).toEqual([]);
    expect(deauthentications(on)).toMatchObject([{ result: 200 }]);
  }, refused),
);

test(
  'whoever plays both people in one browser sees that the one who started did not get it',
  scene(async on => {
    const alice = await visitor(on, 'alice');
    await alice.openDemo();
    await alice.press('alice');
    await alice.press(alice.page.getByText('Try to steal a connection'));
    await alice.press('Go on as bob');
    await alice.approve();

    await alice.sees('alice did not get it');
    await alice.look('as bob');
    await alice.press('See it as alice');
    await alice.sees('Somebody else finished this link');
    await alice.look('as alice');
    expect(await settled([alice])).toMatchObject([{ provider: 'GARMIN', reason: 'wrong_owner' }]);
    expect(deauthentications(on)).toMatchObject([{ result: 200 }]);
  }, refused),
);
