import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { OperatorError } from './failure';

/** What a command talks to people and machines through. */
export type Terminal = {
  /** The answer: text for people or JSON for machines. */
  print(line: string): void;
  /** What is under way or wrong, beside the answer. */
  tell(line: string): void;
  /** Whether a person sits at the keyboard. */
  readonly isInteractive: boolean;
  /** Everything that was piped in. */
  readAll(): Promise<string>;
  ask(question: string): Promise<string>;
  /** Asks without showing what is typed. */
  askHidden(question: string): Promise<string>;
};

/** The terminal this process was started in. Questions go to stderr, so that an answer can be piped on. */
export const processTerminal: Terminal = {
  print: line => void process.stdout.write(`${line}\n`),
  tell: line => void process.stderr.write(`${line}\n`),
  isInteractive: process.stdin.isTTY,
  readAll: () => text(process.stdin),
  ask: question => answerTo(question, process.stderr),
  async askHidden(question) {
    process.stderr.write(question);
    const answer = await answerTo('', new Writable({ write: (_chunk, _encoding, done) => done() }));
    process.stderr.write('\n');
    return answer;
  },
};

function answerTo(question: string, output: NodeJS.WritableStream): Promise<string> {
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  return new Promise((resolve, reject) => {
    lines.once('close', () => reject(new OperatorError('Nothing was answered', 'Nothing was changed.')));
    lines.question(question, answer => {
      resolve(answer);
      lines.close();
    });
  });
}
