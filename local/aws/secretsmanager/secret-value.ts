import { randomInt } from 'node:crypto';

/** CloudFormation's AWS::SecretsManager::Secret, as far as a value is concerned. */
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

/** The value a secret is born with: the template's own, or a generated one; undefined where it asks for neither. */
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
