import { callLog } from './calls-view.js';
import { choices } from './connect-view.js';
import { connectionList } from './connections-view.js';
import { happenedView } from './happened-view.js';
import { isRepeating, outcome } from './outcome-view.js';
import { countDown, phone } from './phone-view.js';
import { peopleBar, welcome } from './sign-in-view.js';
import { track } from './track-view.js';
import { trouble } from './trouble-view.js';
import { byId, show } from './view.js';

/**
 * @import { ConnectActions } from './connect-view.js'
 * @import { ConnectionActions } from './connections-view.js'
 * @import { OutcomeActions } from './outcome-view.js'
 * @import { PhoneActions } from './phone-view.js'
 * @import { SignInActions } from './sign-in-view.js'
 * @import { State } from './state.js'
 * @import { TroubleActions } from './trouble-view.js'
 *
 * @typedef {ConnectActions & ConnectionActions & OutcomeActions & PhoneActions & SignInActions & TroubleActions
 *   & { clearCalls: () => void }} PageActions
 */

/**
 * Updates every part of the page.
 *
 * @param {State} now
 * @param {PageActions} actions
 * @param {boolean} isComingBack
 */
export function draw(now, actions, isComingBack) {
  const { user, people, signingIn, signInWords, providers, providersWords, connections, connectionsWords } = now;
  const time = Date.now();
  const isIn = user !== undefined;
  byId('welcome').hidden = isIn;
  byId('workbench').hidden = !isIn;
  document.title = isIn ? `${user} · terra-connect demo` : 'terra-connect demo';

  show(byId('people'), [isIn, user, people, signingIn], () => isIn && peopleBar(now, actions));
  if (!isIn) {
    show(byId('welcome'), [people, signingIn, signInWords, isComingBack], () => welcome(now, isComingBack, actions));
    return;
  }
  show(byId('track'), now.attempt.progress, () => track(now));
  const isOpening = now.attempt.progress === 'idle' && now.attempt.busy;
  show(byId('outcome'), [now.attempt, providers, isRepeating(now)], () => outcome(now, actions));
  show(byId('choices'), [providers, providersWords, isOpening, user, now.popup], () => choices(now, actions));
  show(
    byId('connections'),
    [
      connections,
      connectionsWords,
      now.changes,
      now.busy,
      now.notice,
      now.sandbox,
      providers,
      Math.floor(time / 10_000),
    ],
    () => connectionList(now, time, actions),
  );
  show(byId('happened'), [now.happened?.version, now.sandbox, user], () => happenedView(now));
  const isTooOld = now.phone.expiresAt !== undefined && now.phone.expiresAt <= time;
  show(byId('phone'), [now.phone, providers, now.sandbox, user, isTooOld], () => phone(now, time, actions));
  countDown(now.phone, time);
  show(byId('trouble'), [now.sandbox, now.scenarios, now.busy], () => trouble(now, actions));
  show(byId('calls'), now.calls, () => callLog(now, actions));
}
