import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from './template';

/** The output of a CDK synthesis on disk. */
export type Assembly = {
  readonly directory: string;
  readonly stackName: string;
  readonly templateFile: string;
};

type AssetManifest = {
  readonly files?: Readonly<
    Record<
      string,
      {
        readonly source: { readonly path: string };
        readonly destinations: Readonly<Record<string, { readonly objectKey: string }>>;
      }
    >
  >;
};

export function readTemplate({ templateFile }: Assembly): Template {
  return JSON.parse(readFileSync(templateFile, 'utf8')) as Template;
}

/** Returns the directory of the asset that would be uploaded under this S3 key. */
export function assetDirectory({ directory, stackName }: Assembly, s3Key: string): string {
  const manifest = JSON.parse(readFileSync(join(directory, `${stackName}.assets.json`), 'utf8')) as AssetManifest;
  for (const { source, destinations } of Object.values(manifest.files ?? {})) {
    if (Object.values(destinations).some(({ objectKey }) => objectKey === s3Key)) return join(directory, source.path);
  }
  throw new Error(`The asset manifest of ${stackName} has no asset with the key ${s3Key}`);
}
