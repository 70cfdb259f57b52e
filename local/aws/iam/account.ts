/** The fictitious AWS account of all local resources. dynalite uses the same region in its table ARNs. */
export const account = {
  accountId: '000000000000',
  region: 'us-east-1',
  partition: 'aws',
  urlSuffix: 'amazonaws.com',
} as const;

export function arn(service: string, resource: string, { regional = true } = {}): string {
  const { accountId, partition, region } = account;
  return `arn:${partition}:${service}:${regional ? region : ''}:${accountId}:${resource}`;
}
