import { randomInt, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AwsAnswer, type OnCall, startService } from '../aws-call';
import type { Resource } from '../cloudformation/template';

type Version = { readonly id: string; readonly value: string; readonly createdAt: number };

/** `versions[0]` is AWSCURRENT and `versions[1]` AWSPREVIOUS; older versions are dropped. */
type Secret = { readonly arn: string; readonly name: string; versions: Version[] };

export type SecretsManager = {
  readonly endpoint: string;
  /** The secrets' names in the template. */
  readonly names: readonly string[];
  /** Sets the current value of the secret with this name or ARN. Adds no version if the value is unchanged. */
  put(id: string, value: string): void;
  close(): Promise<void>;
};

/**
 * Starts Secrets Manager on the loopback interface with the template's secrets. `dataDir` keeps their values between
 * runs.
 */
export async function startSecretsManager(options: {
  declared: readonly Resource<SecretProperties>[];
  dataDir?: string | undefined;
  onCall?: OnCall;
}): Promise<SecretsManager> {
  const { declared, dataDir, onCall } = options;
  const file = dataDir === undefined ? undefined : join(dataDir, 'secrets.json');
  const kept = file && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Secret[]) : [];
  const secrets = declared.map(({ ref: arn, properties }): Secret => {
    const name = properties.Name ?? arn.split(':').at(-1)?.slice(0, -'-local0'.length) ?? arn;
    const value = initialValue(properties);
    const versions = value === undefined ? [] : [{ id: randomUUID(), value, createdAt: Date.now() }];
    return kept.find(secret => secret.arn === arn) ?? { arn, name, versions };
  });
  const save = () => file && writeFileSync(file, JSON.stringify(secrets, null, 2), { mode: 0o600 });
  save();

  // AWS also accepts an ARN without its random suffix.
  const find = (id: unknown) =>
    secrets.find(({ arn, name }) => id === name || id === arn || id === arn.slice(0, -'-local0'.length));

  function add(secret: Secret, value: string, id: string = randomUUID()): string {
    secret.versions = [{ id, value, createdAt: Date.now() }, ...secret.versions].slice(0, 2);
    save();
    return id;
  }

  type Request = Record<string, unknown>;
  const actions: Record<string, (secret: Secret, request: Request) => AwsAnswer> = {
    GetSecretValue: (secret, request) => {
      const wanted = request.VersionId ?? request.VersionStage ?? 'AWSCURRENT';
      const at = secret.versions.findIndex(({ id }, index) => wanted === id || wanted === stages[index]);
      const version = secret.versions[at];
      if (version === undefined) return notFound(`secret value for ${stageOrVersion(request)}`);
      return found(secret, {
        VersionId: version.id,
        SecretString: version.value,
        VersionStages: [stages[at]],
        CreatedDate: version.createdAt / 1000,
      });
    },
    PutSecretValue: (secret, { SecretString, ClientRequestToken }) => {
      if (typeof SecretString !== 'string') {
        return failure('InvalidRequestException', 'You must provide either SecretString or SecretBinary.');
      }
      const id = add(secret, SecretString, typeof ClientRequestToken === 'string' ? ClientRequestToken : undefined);
      return found(secret, { VersionId: id, VersionStages: [stages[0]] });
    },
    DescribeSecret: secret =>
      found(secret, {
        VersionIdsToStages: Object.fromEntries(secret.versions.map(({ id }, at) => [id, [stages[at]]])),
      }),
  };

  function answerTo(name: string, input: Request): AwsAnswer {
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    const secret = find(input.SecretId);
    if (!action) return failure('UnknownOperationException', `${name} is not emulated`);
    return secret ? action(secret, input) : notFound('secret');
  }

  const { endpoint, close } = await startService({
    onCall,
    contentType: 'application/x-amz-json-1.1',
    answer: answerTo,
  });

  return {
    endpoint,
    names: secrets.map(({ name }) => name),
    put(id, value) {
      const secret = find(id);
      if (secret === undefined)
        throw new Error(`There is no secret ${id}. Secrets: ${secrets.map(({ name }) => name).join(', ')}`);
      if (secret.versions[0]?.value !== value) add(secret, value);
    },
    close,
  };
}

const stages = ['AWSCURRENT', 'AWSPREVIOUS'];

const found = ({ arn, name }: Secret, fields: object): AwsAnswer => ({
  status: 200,
  body: { ARN: arn, Name: name, ...fields },
});

const failure = (type: string, message: string): AwsAnswer => ({
  status: 400,
  body: { __type: type, Message: message },
});

const notFound = (what: string): AwsAnswer =>
  failure('ResourceNotFoundException', `Secrets Manager can't find the specified ${what}.`);

const stageOrVersion = ({ VersionId, VersionStage = 'AWSCURRENT' }: Record<string, unknown>): string =>
  VersionId === undefined ? `staging label: ${VersionStage as string}` : `VersionId: ${VersionId as string}`;

/** The properties of AWS::SecretsManager::Secret that determine its value. */
export type SecretProperties = {
  readonly Name?: string;
  readonly SecretString?: string;
  readonly GenerateSecretString?: {
    readonly PasswordLength?: number;
    readonly ExcludeCharacters?: string;
    readonly ExcludeLowercase?: boolean;
    readonly ExcludeUppercase?: boolean;
    readonly ExcludeNumbers?: boolean;
    readonly ExcludePunctuation?: boolean;
    readonly SecretStringTemplate?: string;
    readonly GenerateStringKey?: string;
  };
};

const lower = 'abcdefghijklmnopqrstuvwxyz';
const punctuation = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

/** Returns a new secret's value: the template's, a generated one, or undefined if the template asks for neither. */
export function initialValue({ SecretString, GenerateSecretString: rule }: SecretProperties): string | undefined {
  if (SecretString !== undefined || rule === undefined) return SecretString;
  const alphabet = [
    rule.ExcludeLowercase ? '' : lower,
    rule.ExcludeUppercase ? '' : lower.toUpperCase(),
    rule.ExcludeNumbers ? '' : '0123456789',
    rule.ExcludePunctuation ? '' : punctuation,
  ]
    .join('')
    .split('')
    .filter(character => !rule.ExcludeCharacters?.includes(character));
  const generated = Array.from({ length: rule.PasswordLength ?? 32 }, () => alphabet[randomInt(alphabet.length)]).join(
    '',
  );
  if (rule.SecretStringTemplate === undefined || rule.GenerateStringKey === undefined) return generated;
  return JSON.stringify({ ...(JSON.parse(rule.SecretStringTemplate) as object), [rule.GenerateStringKey]: generated });
}
