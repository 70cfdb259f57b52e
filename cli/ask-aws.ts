import { OperatorError } from './failure';

/** Makes one call to a service of AWS; the answer is the caller's to parse. */
export type AskAws = (service: AskedService, command: string, input: object) => Promise<unknown>;

/** Services only an operator needs: their SDK clients are no part of any function. */
export type AskedService = 'cloudformation' | 'lambda' | 'cloudwatch';

const clientNames: Record<AskedService, string> = {
  cloudformation: 'CloudFormationClient',
  lambda: 'LambdaClient',
  cloudwatch: 'CloudWatchClient',
};

type Client = { send(command: object): Promise<unknown> };
type Sdk = Record<string, (new (input: object) => Client) | undefined>;

/** Asks through the service's SDK client, loaded only now: locally nobody needs it. */
export const askAws: AskAws = async (service, command, input) => {
  const sdk = await load(service);
  const Client = sdk[clientNames[service]];
  const Command = sdk[`${command}Command`];
  if (!Client || !Command) throw new OperatorError(`The AWS SDK has no ${command}`, 'Run `npm ci`.');
  return new Client({ maxAttempts: 3 }).send(new Command(input));
};

async function load(service: AskedService): Promise<Sdk> {
  const name = `@aws-sdk/client-${service}`;
  try {
    return (await import(name)) as Sdk;
  } catch {
    throw new OperatorError(`The package ${name} is not installed`, 'Run `npm ci` without --omit=dev.');
  }
}
