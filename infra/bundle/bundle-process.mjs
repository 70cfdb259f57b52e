// Runs esbuild with the options on standard input and writes its metafile to standard output. `bundle.ts` starts it.
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';

const { options, replaced } = JSON.parse(readFileSync(0, 'utf8'));

/** Matches paths of any system; the pattern has slashes. */
const fileIn = pattern => new RegExp(`/node_modules/${pattern}$`.replaceAll('/', '[\\\\/]'));
const escaped = text => text.replaceAll('.', '\\.');

/** These files under `node_modules` have the contents given for them, whatever they hold. */
const replacedFiles = {
  name: 'replaced-files',
  setup({ onLoad }) {
    onLoad({ filter: fileIn(`(${Object.keys(replaced).map(escaped).join('|')})`) }, ({ path }) => {
      const [file] = path.replaceAll('\\', '/').split('/node_modules/').slice(-1);
      return { contents: replaced[file] };
    });
  },
};

/** Of what the SDK carries along only to read a line of it, that line. */
const shortenedFiles = {
  name: 'shortened-files',
  setup({ onLoad }) {
    // A client tells the version in its manifest with every call.
    onLoad({ filter: fileIn('@aws-sdk/[\\w-]+/package\\.json') }, ({ path }) => ({
      contents: JSON.stringify({ version: JSON.parse(readFileSync(path, 'utf8')).version }),
      loader: 'json',
    }));
    // Which partition a region is in follows from its name by `regionRegex`; the list of them all with their towns only confirms it.
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
