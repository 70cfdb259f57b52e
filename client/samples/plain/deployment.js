/** The deployment's `ApiUrl`: here the local stack. */
export const apiUrl = 'http://localhost:4000';

/**
 * Returns the signed-in user's access token; replace it with your app's own sign-in. The development issuer gives a
 * token to any user name.
 *
 * @returns {Promise<string>}
 */
export async function token() {
  const body = new URLSearchParams({ grant_type: 'password', username: 'alice' });
  const answer = await fetch('http://localhost:4002/token', { method: 'POST', body });
  return (await answer.json()).access_token;
}
