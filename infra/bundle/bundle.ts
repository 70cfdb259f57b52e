import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions, Metafile } from 'esbuild';

/** Returns the folders under `functions/` that are Lambda functions: all except `core`, which they share. */
export function functionNames(functions: string): string[] {
  return readdirSync(functions, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name !== 'core')
    .map(entry => entry.name)
    .sort();
}

/**
 * Modules of the SDK that no function here needs, each with what `lean-sdk.ts` exports in its place: a name, or
 * `name as name in the SDK`. esbuild refuses the build if the SDK imports any other name from one of them.
 */
export const leanModules: Readonly<Record<string, readonly string[]>> = {
  ...clientModules('dynamodb', 'dynamoDbEndpoint'),
  ...clientModules('eventbridge', 'eventBridgeEndpoint'),
  ...clientModules('secrets-manager', 'secretsManagerEndpoint'),
  ...clientModules('sqs', 'sqsEndpoint'),
  '@aws-sdk/core/dist-es/submodules/client/emitWarningIfUnsupportedVersion.js': [
    'emitWarningIfUnsupportedVersion',
    'state',
  ],
  '@aws-sdk/core/dist-es/submodules/client/middleware-logger/loggerMiddleware.js': [
    'getLoggerPlugin',
    'loggerMiddleware',
    'loggerMiddlewareOptions',
  ],
  '@aws-sdk/credential-provider-node/dist-es/index.js': ['defaultProvider'],
  '@aws-sdk/middleware-endpoint-discovery/dist-es/index.js': [
    'NODE_ENDPOINT_DISCOVERY_CONFIG_OPTIONS',
    'resolveEndpointDiscoveryConfig',
  ],
  '@aws/lambda-invoke-store/dist-es/invoke-store.js': ['InvokeStore'],
  '@smithy/core/dist-es/submodules/checksum/sha256/Sha256Js.js': ['Sha256Js'],
  '@smithy/core/dist-es/submodules/client/smithy-client/schemaLogFilter.js': ['schemaLogFilter'],
  '@smithy/core/dist-es/submodules/config/config-resolver/regionConfig/getInstanceMetadataRegion.js': [
    'getInstanceMetadataRegion',
  ],
  '@smithy/core/dist-es/submodules/config/node-config-provider/fromSharedConfigFiles.js': ['fromSharedConfigFiles'],
  '@smithy/core/dist-es/submodules/endpoints/middleware-endpoint/service-customizations/index.js': [
    'resolveParamsForS3',
  ],
  '@smithy/core/dist-es/submodules/protocols/HttpBindingNormalizedSchema.js': [
    'HttpBindingNormalizedSchema',
    'getHttpOperationBindings',
  ],
  '@smithy/core/dist-es/submodules/protocols/json/codec-v2/JsonBytesStringAdapter.js': ['JsonBytesStringAdapter'],
  '@smithy/core/dist-es/submodules/serde/date-utils.js': [
    'dateToUtcString',
    'parseEpochTimestamp',
    'parseRfc3339DateTime',
    'parseRfc3339DateTimeWithOffset',
    'parseRfc7231DateTime',
  ],
  '@smithy/core/dist-es/submodules/retry/util-retry/AdaptiveRetryStrategy.js': ['AdaptiveRetryStrategy'],
  '@smithy/signature-v4/dist-es/HeaderFormatter.js': ['HeaderFormatter'],
};

/** Returns the replacements for the modules that every client has. `endpoint` is the function of `lean-sdk.ts` that replaces its endpoint rules. */
function clientModules(client: string, endpoint: string): Record<string, readonly string[]> {
  return {
    [`@aws-sdk/client-${client}/dist-es/endpoint/endpointResolver.js`]: [`${endpoint} as defaultEndpointResolver`],
    [`@aws-sdk/client-${client}/dist-es/runtimeExtensions.js`]: ['resolveRuntimeExtensions'],
  };
}

/** The SDK loads this module for calls that stream events. No function makes one, but esbuild would include all that it imports. */
const noEventStreams = {
  '@smithy/core/dist-es/submodules/event-streams/index.js':
    "throw new Error('event streams are left out of the bundles');",
};

const METAFILE_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * Bundles every function in one esbuild call into `<into>/<name>/index.js`, a CommonJS module. Deletes `into` first.
 * Throws esbuild's errors, also if the SDK imports a name that the replacement of a module lacks.
 */
export function bundleFunctions({ functions, into }: { functions: string; into: string }): Metafile {
  rmSync(into, { recursive: true, force: true });
  const entries = functionNames(functions).map(name => [`${name}/index`, join(functions, name, 'index.ts')] as const);
  const empty = entries.filter(([, file]) => !existsSync(file)).map(([name]) => name);
  if (empty.length > 0) throw new Error(`No such function entry under ${functions}: ${empty.join('.ts, ')}.ts`);
  return build({
    entryPoints: Object.fromEntries(entries),
    outdir: into,
    bundle: true,
    platform: 'node',
    target: 'node20',
    // `import "node:http"` costs an ES module some 20 ms of cold start (aws-sdk-js-v3 issue 6914).
    format: 'cjs',
    // The SDK's `main` cannot be tree-shaken, its `module` can.
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    logLevel: 'silent',
    metafile: true,
  });
}

/** Runs esbuild in a process of its own: plugins need its asynchronous API, but constructs are created synchronously. */
function build(options: BuildOptions): Metafile {
  const from = JSON.stringify(join(__dirname, 'lean-sdk.ts'));
  const replaced = Object.fromEntries(
    Object.entries(leanModules).map(([file, names]) => [file, `export { ${names.join(', ')} } from ${from};`]),
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(__dirname, 'bundle-process.mjs')], {
    input: JSON.stringify({ options, replaced: { ...replaced, ...noEventStreams } }),
    maxBuffer: METAFILE_LIMIT_BYTES,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`The functions could not be bundled. ${stderr}`);
  return JSON.parse(stdout) as Metafile;
}
