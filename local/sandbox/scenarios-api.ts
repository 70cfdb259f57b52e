import type { Scenario } from './knobs';

/** Answers for which Terra's sources disagree or are silent. */
export const apiScenarios = [
  {
    name: 'swapped-keys',
    imitates:
      'Every request counts as having dev-id and x-api-key swapped: authenticateUser answers 200 {"message":null}.',
    source: 'FAQ: auth-flow-start (its HTTP status is not documented)',
    changes: { credentials: 'swapped' },
  },
  {
    name: 'swapped-keys-403',
    imitates: 'As swapped-keys, with status 403.',
    source: 'FAQ: auth-flow-start (its HTTP status is not documented)',
    changes: { credentials: 'swapped', swappedKeysStatus: 403 },
  },
  {
    name: 'wrong-credentials',
    imitates: 'Every request counts as having the wrong key: 401 on v2, 403 at the widget.',
    source: 'OpenAPI v2 (401) and OpenAPI widget (403)',
    changes: { credentials: 'wrong' },
  },
  {
    name: 'bad-credentials-403',
    imitates: 'Wrong credentials are a 403 on the v2 API too.',
    source: 'OpenAPI teams says 403 where OpenAPI v2 says 401',
    changes: { badCredentials: 'forbidden' },
  },
  {
    name: 'legacy-errors',
    imitates: 'Errors carry {"message","status":"error"} instead of problem+json.',
    source: 'terra-api 2.1.0 types; OpenAPI before 11 June 2026',
    changes: { errorBody: 'legacy' },
  },
  {
    name: 'new-account',
    imitates: 'generateWidgetSession answers 410 and names the new endpoint.',
    source: 'Docs: implementation-terra-widget-legacy (accounts made after 3 Sep 2026; the body is not documented)',
    changes: { legacyWidget: 'gone' },
  },
  {
    name: 'session-200',
    imitates: 'Widget sessions are answered 200, not 201.',
    source: 'OpenAPI v2 says 200, integrators measured 201',
    changes: { sessionStatus: 200 },
  },
  {
    name: 'session-short',
    imitates: 'Links are valid for 60 s.',
    source: 'OpenAPI v2: expires_in decides',
    changes: { sessionSeconds: 60 },
  },
  {
    name: 'session-without-expiry',
    imitates: 'The widget session has no expires_in.',
    source: 'OpenAPI v2: no field of the answer is required',
    changes: { sessionExpiresIn: 'absent' },
  },
  {
    name: 'widget-url-missing',
    imitates: 'The session is made but the answer has no url.',
    source: 'OpenAPI v2: no field of the answer is required',
    changes: { link: 'missing' },
  },
  {
    name: 'link-javascript',
    imitates: 'The returned link is a javascript: URL, as from a hostile upstream.',
    source: "not Terra: only the upstream's signature is trusted",
    changes: { link: 'javascript' },
  },
  {
    name: 'link-insecure',
    imitates: 'The returned link is http on a public host.',
    source: "not Terra: only the upstream's signature is trusted",
    changes: { link: 'insecure' },
  },
  {
    name: 'link-other-id',
    imitates: "The id in the widget's url differs from session_id.",
    source: 'OpenAPI widget example; real answers were seen with equal ids',
    changes: { link: 'other_id' },
  },
  {
    name: 'tokens-404',
    imitates: '/auth/tokens does not exist yet, only generateAuthToken does.',
    source: 'OpenAPI v2 lists only generateAuthToken; the agent skills call it deprecated',
    changes: { tokensPath: 'absent' },
  },
  {
    name: 'token-300',
    imitates: 'SDK tokens live 300 s instead of 180 s.',
    source: 'FAQ: auth-flow-start says 300 s, OpenAPI v2 180 s',
    changes: { tokenSeconds: 300 },
  },
  {
    name: 'token-without-expiry',
    imitates: 'The token answer has no expires_in.',
    source: 'OpenAPI v2: the field is optional',
    changes: { tokenExpiresIn: 'absent' },
  },
  {
    name: 'token-unbound',
    imitates: 'The reference_id of a token request is ignored; the phone chooses any reference_id.',
    source: 'FAQ: auth-flow-start says tokens are not bound; agent skills say they are',
    changes: { tokenBinding: 'ignored' },
  },
  {
    name: 'users-array',
    imitates: 'userInfo by reference_id is a bare array.',
    source: 'OpenAPI v2 and terra-api 2.1.0 say array; most callers read {users}',
    changes: { usersByReference: 'array' },
  },
  {
    name: 'users-504',
    imitates: 'userInfo by reference_id times out: 504. By user_id it works.',
    source: 'FAQ: userinfo-verification-flow',
    changes: { usersByReference: 'gateway_timeout' },
  },
  {
    name: 'users-empty',
    imitates: 'An unknown reference_id gives an empty list, not 404.',
    source: 'not documented',
    changes: { unknownReference: 'empty' },
  },
  {
    name: 'user-info-lags',
    imitates:
      'For 20 s after an authentication, userInfo by user_id still returns the earlier state: is_authenticated false, or 404.',
    source: 'not documented: no source promises that userInfo is up to date',
    changes: { userInfoLagSeconds: 20 },
  },
  {
    name: 'integrations-sdk-resource',
    imitates: 'integrations names its second list sdk_resource.',
    source: 'terra-api 2.1.0 types; OpenAPI v2 says sdk_providers',
    changes: { sdkListField: 'sdk_resource' },
  },
] as const satisfies readonly Scenario[];
