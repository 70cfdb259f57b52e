/** The deployment's `ApiUrl`: here the local stack. */
export const apiUrl = 'http://localhost:4000';

/**
 * Your app has a sign-in of its own, and gives its user's access token here. The issuer for development gives one to any
 * name.
 *
 * @returns {Promise<string>}
 */
export async function token() {
  const body = new URLSearchParams({ grant_type: 'password', username: 'alice' });
  const answer = await fetch('http://localhost:4002/token', { method: 'POST', body });
  return (await answer.json()).access_token;
}
