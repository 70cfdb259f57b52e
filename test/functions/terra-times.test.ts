import { DAY, HOUR, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { journey, terraEvent } from '../support/journey';
import { authenticated, terraUser, world as newWorld } from '../support/world';

/* A time from Terra counts as at most 5 s after its arrival, so that what comes afterwards is newer. */

const USER = terraUser(1);
const AHEAD_MS = [
  ['by an hour', HOUR],
  ['by 70 years', 70 * 365 * DAY],
] as const;
const ENDS = [
  ['deauth', terraEvent.deauth(USER), 'deauthorised'],
  ['access_revoked', terraEvent.revoked(USER), 'revoked'],
] as const;

test.each(
  AHEAD_MS.flatMap(([ahead, ms]) =>
    ENDS.flatMap(([type, event, reason]) =>
      (['looked up', 'reported by an event'] as const).map(known => [known, ahead, type, ms, event, reason] as const),
    ),
  ),
)(
  'a connection %s while Terra’s clock is ahead %s is ended by a later %s',
  async (known, _ahead, _type, ms, event, reason) => {
    const world = newWorld();
    const go = journey(world);
    const session = await go.open('alice');
    world.wait(SECOND);
    const createdAt = world.clock() + ms;
    if (known === 'looked up') world.terra.users.set(USER, authenticated(USER, world, { createdAt }));
    else {
      const at = new Date(createdAt).toISOString();
      await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1', createdAt: at }));
    }
    const { code } = await go.visit(session.state, { user_id: USER });
    expect(await go.confirm('alice', session.id, code)).toMatchObject({ status: 200 });
    world.wait(MINUTE);

    await go.deliver(event);

    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason }]);
  },
);
