import { AwsSolutionsChecks, type NagPack, ServerlessChecks } from 'cdk-nag';

/** The rule packs that stop a synthesis at the first finding nobody has answered in `acknowledgements.ts`. */
export const guardRails = (): NagPack[] => [new AwsSolutionsChecks(), new ServerlessChecks()];
