import { checkAnswer, type Seen } from './contract';

/** What the running API was seen to answer in this file of tests. */
export const seen = new Set<Seen>();

/**
 * Asks as `fetch` does; an answer of the API that the contract does not declare fails the test that asked. What lies
 * outside `/v1/`, such as a page of the sandbox, has no contract.
 */
export async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  const answer = await fetch(url, { redirect: 'manual', ...init });
  const { pathname: path } = new URL(url);
  if (!path.startsWith('/v1/')) return answer;
  seen.add(
    checkAnswer({
      method: init.method ?? 'GET',
      path,
      status: answer.status,
      headers: answer.headers,
      body: await answer.clone().text(),
    }),
  );
  return answer;
}
