import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type Clock, systemClock } from '../functions/core/platform/clock';
import { awsDeployment, type CallAws, callAws } from './aws-deployment';
import type { Deployment } from './deployment';
import { explain, errorFields, UsageError } from './failure';
import { localDeployment } from './local-deployment';
import { processTerminal, type Terminal } from './terminal';

/** Which deployment a command is about. */
export type DeploymentTarget = { kind: 'aws'; stack: string } | { kind: 'local'; port: number };

/** What a command needs from outside; tests replace it. */
export type CommandContext = {
  terminal: Terminal;
  clock: Clock;
  findDeployment(target: DeploymentTarget): Promise<Deployment>;
};

export type Command = {
  readonly help: string;
  /** Returns the exit code: 0 if everything is well, 1 if something is not. */
  run(args: readonly string[], context: CommandContext): Promise<number>;
};

type Options = NonNullable<ParseArgsConfig['options']>;

const LOCAL_PORT = 4000;

const common = {
  stack: { type: 'string' },
  stage: { type: 'string' },
  local: { type: 'string' },
  json: { type: 'boolean' },
} as const satisfies Options;

export const COMMON_HELP = `  --stage NAME     use the stack terra-connect-NAME on AWS
  --stack NAME     use a stack with another name on AWS
  --local [PORT]   use the local stack that npm start runs (default port: ${LOCAL_PORT})
  --json           print the result as JSON
  --help           print this text

The AWS SDK finds region and credentials: set AWS_REGION, AWS_PROFILE and so on.`;

/** Parses a command line. @throws UsageError that says what is wrong. */
export function readArguments<const O extends Options>(args: readonly string[], own: O) {
  const options = { ...common, ...own };
  try {
    return parseArgs({ args: withLocalPort(args), options, allowPositionals: true, strict: true });
  } catch (error) {
    const [what = ''] = errorFields(error).message.split('. ');
    // Other messages of the parser quote the argument, which can be a secret.
    throw new UsageError(/^Unknown option|argument missing/.test(what) ? what : 'The arguments are wrong', SEE_HELP);
  }
}

/** Returns the deployment that the arguments name. @throws UsageError unless they name exactly one. */
export function targetOf(values: { stack?: string; stage?: string; local?: string }): DeploymentTarget {
  const { stack, stage, local } = values;
  const given = [stack, stage, local].filter(value => value !== undefined);
  if (given.length !== 1) {
    throw new UsageError('Name one deployment: --stage NAME, --stack NAME or --local [PORT]', SEE_HELP);
  }
  if (local === undefined) return { kind: 'aws', stack: stack ?? `terra-connect-${stage}` };
  const port = Number(local);
  if (!/^\d+$/.test(local) || port < 1 || port > 65_535) throw new UsageError('--local takes a port number', SEE_HELP);
  return { kind: 'local', port };
}

const SEE_HELP = 'Run it with --help to see its arguments.';

/** Adds the default port to a `--local` without one: `parseArgs` has no optional values. */
function withLocalPort(args: readonly string[]): string[] {
  return args.flatMap((arg, at) => {
    if (arg === '--local') return /^\d+$/.test(args[at + 1] ?? '') ? [arg] : [arg, String(LOCAL_PORT)];
    return [arg];
  });
}

/** Runs a command. Prints any error as two sentences, what is wrong and what to do, and returns the exit code. */
export async function runCommand(command: Command, args: readonly string[], context: CommandContext): Promise<number> {
  const { terminal } = context;
  if (args.includes('--help') || args.length === 0) {
    terminal.print(command.help);
    return args.length === 0 ? USAGE : 0;
  }
  try {
    return await command.run(args, context);
  } catch (error) {
    const { what, remedy } = explain(error);
    if (args.includes('--json')) terminal.print(JSON.stringify({ error: what, remedy }));
    terminal.log(`${what}.\n${remedy}`);
    return error instanceof UsageError ? USAGE : 1;
  }
}

const USAGE = 2;

/** Finds a deployment: on AWS by its stack, on this machine by the description that the local stack serves. */
export const findDeployment = (target: DeploymentTarget, call: CallAws = callAws): Promise<Deployment> =>
  target.kind === 'aws' ? awsDeployment(target.stack, call) : localDeployment(target.port);

/** Runs a command with the arguments of this process and sets its exit code. */
export function start(command: Command): void {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const context = { terminal: processTerminal, clock: systemClock, findDeployment };
  void runCommand(command, process.argv.slice(2), context).then(code => {
    process.exitCode = code;
  });
}
