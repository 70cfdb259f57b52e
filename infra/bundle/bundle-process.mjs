// Runs esbuild with the options on standard input and writes its metafile to standard output. `bundle.ts` starts it.
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';

const { options, replaced } = JSON.parse(readFileSync(0, 'utf8'));

/** Returns a filter for paths with slashes or backslashes; the pattern has slashes. */
const fileIn = pattern => new RegExp(`/node_modules/${pattern}$`.replaceAll('/', '[\\\\/]'));
const escaped = text => text.replaceAll('.', '\\.');

/** Replaces the contents of files under `node_modules`. */
const replacedFiles = {
  name: 'replaced-files',
  setup({ onLoad }) {
    onLoad({ filter: fileIn(`(${Object.keys(replaced).map(escaped).join('|')})`) }, ({ path }) => {
      const [file] = path.replaceAll('\\', '/').split('/node_modules/').slice(-1);
      return { contents: replaced[file] };
    });
  },
};

/** Shortens files of which the SDK reads only a part. */
const shortenedFiles = {
  name: 'shortened-files',
  setup({ onLoad }) {
    // Every call sends the version in the client's manifest.
    onLoad({ filter: fileIn('@aws-sdk/[\\w-]+/package\\.json') }, ({ path }) => ({
      contents: JSON.stringify({ version: JSON.parse(readFileSync(path, 'utf8')).version }),
      loader: 'json',
    }));
    // The SDK finds the partition of a region by `regionRegex`; it does not need the list of all regions.
    onLoad({ filter: fileIn('@aws-sdk/core/.*/lib/aws/partitions\\.js') }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(/"regions": \{(?:[^{}]|\{[^{}]*\})*\}/g, '"regions": {}'),
    }));
  },
};

try {
  const { metafile } = await build({ ...options, plugins: [replacedFiles, shortenedFiles] });
  process.stdout.write(JSON.stringify(metafile));
} catch (error) {
  process.stderr.write(error.message);
  process.exitCode = 1;
}
