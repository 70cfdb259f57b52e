import type { Sandbox } from '../../local/sandbox/sandbox';
import { isScenarioName, type ScenarioName, type scenarioGroups } from '../../local/sandbox/scenarios';
import type { Activation } from '../../local/sandbox/switchboard';
import type { LocalStack } from '../../local/stack';
import { person } from '../support/person';
import { startSharedStack } from '../support/synthesis';

/** The scenarios of one topic, by name. */
export type ScenarioOf<Topic extends keyof typeof scenarioGroups> = (typeof scenarioGroups)[Topic][number]['name'];

export type Person = Awaited<ReturnType<typeof person>>;

/** The parts of a play: the running product, a Terra with scenarios to switch on, and two new users. */
export type Play = {
  stack: LocalStack;
  sandbox: Sandbox;
  /** Switches the scenario on; until then Terra is as usual. */
  on(activation?: Activation): void;
  off(): void;
  ana: Person;
  ben: Person;
};

/** A fact about the product under a scenario, and the play that shows it. */
export type Effect = readonly [fact: string, shows: (play: Play) => Promise<void>];

/** One test a scenario, against one running stack. */
export function testScenarios(effects: Partial<Record<ScenarioName, Effect>>): void {
  let stack: LocalStack;
  beforeAll(async () => {
    stack = await startSharedStack();
  });
  afterAll(() => stack?.close());
  afterEach(() => stack?.sandbox?.reset({ keepUsers: true }));

  const table = Object.entries(effects).flatMap(([name, effect]) =>
    isScenarioName(name) ? [[name, ...effect] as const] : [],
  );
  test.each(table)('%s: %s', async (name, _fact, shows) => {
    const { sandbox } = stack;
    if (!sandbox) throw new Error('these tests need the sandbox');
    let wasOn = false;
    const [ana, ben] = await Promise.all([person(stack, `ana-${name}`), person(stack, `ben-${name}`)]);

    await shows({
      stack,
      sandbox,
      ana,
      ben,
      on(activation) {
        wasOn = true;
        sandbox.switchOn(name, activation);
      },
      off: () => sandbox.switchOff(name),
    });

    expect(wasOn).toBe(true);
  });
}
