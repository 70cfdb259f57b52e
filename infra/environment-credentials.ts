/**
 * Stands in for the SDK's default credential chain in every bundle: the keys Lambda puts into the environment or none.
 * esbuild refuses the build if the SDK asks this module for a name it lacks.
 */
export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';
