import type { World } from './world';

/** How an attempt ended, as the browser is told. A null user is a provider that only the SDK can connect. */
export type Ending = {
  outcome: 'success' | 'failure';
  userId: string | null;
  referenceId: string | null;
  provider: string;
  reason?: string | null;
};

/**
 * Where the browser goes: the URL the app gave, or Terra's own page where it gave none. Parameters: docs
 * handling-authentication-events and customising-authentication-redirects, with null as the word. Whether a failure carries
 * the same ones is not documented; the newest flow page names user_id and reference_id for both, so that is the default.
 */
export function redirectFor(world: World, appUrl: string | null, ending: Ending): string {
  const { switches } = world;
  const stays = appUrl === null || switches.knob('redirectTiming') === 'never';
  // The default success page is documented, the failure page's address is not.
  const target = stays ? `${world.url}/session/demo/${ending.outcome}` : appUrl;
  const [beforeFragment = '', ...fragment] = target.split('#');
  const joiner = beforeFragment.includes('?') && switches.knob('redirectJoin') === 'ampersand' ? '&' : '?';
  const hash = fragment.length > 0 ? `#${fragment.join('#')}` : '';
  return `${beforeFragment}${joiner}${parameters(world, ending)}${hash}`;
}

function parameters(world: World, { outcome, userId, referenceId, provider, reason }: Ending): string {
  const { switches } = world;
  const reference = switches.knob('redirectReference');
  const withReason = outcome === 'failure' && switches.knob('redirectReason') === 'present';
  const user = outcome === 'failure' ? switches.knob('failureRedirectUser') : 'present';
  return [
    ...(user === 'absent' ? [] : [`user_id=${encodeURIComponent((user === 'present' && userId) || 'null')}`]),
    ...(reference === 'absent'
      ? []
      : [`reference_id=${encodeURIComponent((reference === 'present' && referenceId) || 'null')}`]),
    `resource=${encodeURIComponent(provider)}`,
    ...(withReason ? [`reason=${encodeURIComponent(reason ?? 'null')}`] : []),
  ].join('&');
}
