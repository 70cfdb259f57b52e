/** The made-up AWS account everything local lives in; dynalite names its tables by the same region. */
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
