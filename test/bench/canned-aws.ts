import { createServer } from 'node:http';
import { addressOf, closeServer, listen, readBody } from '../../local/loopback';

/** A call as the SDK sent it, and the table's answer to it. */
export type HeardCall = { readonly action: string; readonly input: object; readonly answer: string };

/** AWS as far as a webhook meets it: the first call of an action goes to a real emulator, later ones get the same answer at once. */
export type CannedAws = { readonly endpoint: string; heard(): readonly HeardCall[]; close(): Promise<void> };

/** `secrets` by name; everything else is asked of the DynamoDB at `table` once. */
export async function startCannedAws(table: string, secrets: Readonly<Record<string, string>>): Promise<CannedAws> {
  const heard: HeardCall[] = [];
  const server = createServer(async (request, response) => {
    const body = (await readBody(request)).toString();
    const action = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    const answer = action === 'GetSecretValue' ? secretOf(body) : await answerOf(action, body);
    response.writeHead(200, {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': Buffer.byteLength(answer),
    });
    response.end(answer);
  });

  const secretOf = (body: string) => {
    const { SecretId } = JSON.parse(body) as { SecretId: string };
    return JSON.stringify({ Name: SecretId, SecretString: secrets[SecretId] });
  };

  async function answerOf(action: string, body: string): Promise<string> {
    const known = heard.find(call => call.action === action);
    if (known) return known.answer;
    const real = await fetch(table, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDB_20120810.${action}`,
        'x-amz-date': '20000101T000000Z',
        authorization:
          'AWS4-HMAC-SHA256 Credential=local/20000101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      },
    });
    const answer = await real.text();
    if (!real.ok) throw new Error(`${action}: ${answer}`);
    heard.push({ action, input: JSON.parse(body) as object, answer });
    return answer;
  }

  const port = await listen(server);
  return { endpoint: `http://${addressOf(port)}`, heard: () => heard, close: () => closeServer(server) };
}
