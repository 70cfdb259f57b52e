import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type Clock, systemClock } from '../functions/core/platform/clock';
import type { Deployment, Place } from './deployment';
import { explain, toldBy, UsageError } from './failure';
import { findDeployment } from './find-deployment';
import { processTerminal, type Terminal } from './terminal';

/** What a command uses of the outside. */
export type Surroundings = {
  terminal: Terminal;
  clock: Clock;
  find(place: Place): Promise<Deployment>;
};

export type Command = {
  readonly help: string;
  /** Answers with the exit code: 0 all is well, 1 something is not. */
  run(args: readonly string[], surroundings: Surroundings): Promise<number>;
};

type Options = NonNullable<ParseArgsConfig['options']>;

export const LOCAL_PORT = 4000;

const common = {
  stack: { type: 'string' },
  stage: { type: 'string' },
  local: { type: 'string' },
  json: { type: 'boolean' },
} as const satisfies Options;

export const COMMON_HELP = `  --stage NAME     the deployment of this stage on AWS (stack terra-connect-NAME)
  --stack NAME     the stack itself, where it is named otherwise
  --local [PORT]   the local stack that npm start runs (port ${LOCAL_PORT})
  --json           the answer as JSON
  --help           this text

AWS region and credentials are found as the AWS SDK finds them: AWS_REGION, AWS_PROFILE and so on.`;

/** Reads a command line. @throws UsageError with what is wrong. */
export function readArguments<const O extends Options>(args: readonly string[], own: O) {
  const options = { ...common, ...own };
  try {
    return parseArgs({ args: withLocalPort(args), options, allowPositionals: true, strict: true });
  } catch (error) {
    const [what = ''] = toldBy(error).message.split('. ');
    // A value that was given where none belongs may be a secret: the parser quotes it.
    throw new UsageError(/^Unknown option|argument missing/.test(what) ? what : 'The arguments are wrong', SEE_HELP);
  }
}

/** Which deployment the arguments name. @throws UsageError unless it is exactly one. */
export function placeOf(values: { stack?: string; stage?: string; local?: string }): Place {
  const { stack, stage, local } = values;
  const given = [stack, stage, local].filter(value => value !== undefined);
  if (given.length !== 1) {
    throw new UsageError('Say which deployment, once: --stage NAME, --stack NAME or --local [PORT]', SEE_HELP);
  }
  if (local === undefined) return { kind: 'aws', stack: stack ?? `terra-connect-${stage}` };
  const port = Number(local);
  if (!/^\d+$/.test(local) || port < 1 || port > 65_535) throw new UsageError('--local takes a port number', SEE_HELP);
  return { kind: 'local', port };
}

const SEE_HELP = 'Run it with --help to see what it takes.';

/** `--local` may go without its port. */
function withLocalPort(args: readonly string[]): string[] {
  return args.flatMap((arg, at) => {
    if (arg === '--local') return /^\d+$/.test(args[at + 1] ?? '') ? [arg] : [arg, String(LOCAL_PORT)];
    return [arg];
  });
}

/** Runs a command as told; whatever fails becomes two sentences and an exit code. */
export async function runCommand(
  command: Command,
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { terminal } = surroundings;
  if (args.includes('--help') || args.length === 0) {
    terminal.print(command.help);
    return args.length === 0 ? USAGE : 0;
  }
  try {
    return await command.run(args, surroundings);
  } catch (error) {
    const { what, remedy } = explain(error);
    if (args.includes('--json')) terminal.print(JSON.stringify({ error: what, remedy }));
    terminal.tell(`${what}.\n${remedy}`);
    return error instanceof UsageError ? USAGE : 1;
  }
}

const USAGE = 2;

/** What the four programs do: run as this process was asked to. */
export function start(command: Command): void {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const surroundings = { terminal: processTerminal, clock: systemClock, find: findDeployment };
  void runCommand(command, process.argv.slice(2), surroundings).then(code => {
    process.exitCode = code;
  });
}
