import * as fc from 'fast-check';
import type { ConnectionFacts } from '../../../functions/core/state/connection';

/** Few times, so that equal ones are common. */
export const time: fc.Arbitrary<number> = fc.integer({ min: 1, max: 7 });
export const via = fc.constantFrom('', 'session#1', 'session#2', 'mint#1');

const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 3 });

/** Facts of every kind, in every combination, whether or not they could come about. */
export const anyFacts: fc.Arbitrary<ConnectionFacts> = fc
  .record({
    provider: some(fc.constantFrom('GARMIN', 'OURA')),
    firstAuthAt: some(time),
    auth: some(fc.record({ at: time, via })),
    proof: some(fc.record({ at: time, via })),
    gone: some(fc.record({ at: time, reason: fc.constantFrom('absent', 'agreed', 'deauthorised', 'revoked') })),
    error: some(fc.record({ at: time })),
    data: some(fc.record({ at: time })),
    reported: some(fc.record({ at: time, via: fc.constantFrom('', 'elsewhere') })),
    missed: some(fc.record({ at: time })),
    scopes: some(fc.record({ at: time, list: fc.constantFrom(['DAILY'], ['BODY', 'DAILY'], []) })),
    disconnect: some(fc.record({ at: time, reason: fc.constantFrom('erased', 'not_confirmed', 'owner') })),
    wrongOwner: fc.option(fc.record({ at: time }), { nil: undefined, freq: 1 }),
    attempt: some(fc.record({ at: time })),
    supersededBy: fc.option(fc.record({ at: time, terraUserId: fc.constantFrom('a', 'b') }), {
      nil: undefined,
      freq: 1,
    }),
  })
  .map(facts => withoutUndefined(facts));

function withoutUndefined(facts: object): ConnectionFacts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}
