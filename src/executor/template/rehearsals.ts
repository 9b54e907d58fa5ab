import type { Writable } from 'node:stream';
import type { ContextData, ExecuteCommand } from '../../boundary/runner-protocol.js';
import type { FreezeCommand } from '../../boundary/template-protocol.js';
import { within } from '../../lib/time-limit.js';
import { commandFor, resultOf } from '../process/run-once.js';
import type { RunnerProcess } from '../process/runner-process.js';
import { RunnerBootError } from '../process/runner-spawn.js';

const PREPARE_MS = 30_000;
const ROOT_URL = 'file:///bifrost-rehearsal/';

/** How many; beyond this V8 has compiled nearly all that an execution goes through. */
export const REHEARSALS = 40;
/** One of each program: all of them work. */
export const FEW_REHEARSALS = 3;

/** What executions mostly do; each returns its parameters, so that it is seen to have run. */
const FUNCTION = `export default async function main(parameters, context) {
  const doubled = [1, 2, 3].map((each) => each * 2);
  console.log('rehearsal', { doubled });
  context.variables.doubled = doubled;
  await new Promise((resolve) => setTimeout(resolve, 1));
  return { doubled, text: JSON.stringify(parameters), ...parameters };
}`;
const SHORT_FUNCTION = 'export default (parameters) => ({ sum: 1 + 1, ...parameters });';
const COMMONJS = 'module.exports = async (parameters) => ({ sum: 1 + 1, ...parameters });';

const PROGRAMS = [
  { format: 'module', source: FUNCTION },
  { format: 'module', source: SHORT_FUNCTION },
  { format: 'commonjs', source: COMMONJS },
] as const;

/**
 * Has a template carry out executions of ours, over the descriptors by which those of users come, and freeze:
 * what Node loads and compiles for the first of them, its children have.
 * @param keep its children serve one execution after the other, and so does the template.
 * @param frozen resolves when the template says that it is.
 * @throws {RunnerBootError} when one does not return what it should, or the template does not freeze.
 */
export async function prepareTemplate(
  template: RunnerProcess,
  commands: Writable,
  { rehearsals, keep, frozen }: { rehearsals: number; keep: boolean; frozen: Promise<void> },
): Promise<void> {
  const freeze: FreezeCommand = { type: 'freeze' };
  const prepared = rehearse(template, rehearsals, keep).then(() => {
    commands.write(`${JSON.stringify(freeze)}\n`);
    return frozen;
  });
  const gone = template.ended.then(() => {
    throw new RunnerBootError(`a template ended before it was frozen ${template.exitDescription}`);
  });
  await within(Promise.race([prepared, gone]), PREPARE_MS, () => {
    throw new RunnerBootError(`a template was not frozen within ${PREPARE_MS} ms`);
  });
}

async function rehearse(template: RunnerProcess, rehearsals: number, keep: boolean): Promise<void> {
  for (let number = 0; number < rehearsals; number++) {
    // What it shows itself as; a child has another number, which it is given then.
    const command = { ...rehearsal(template, number, keep), pid: TEMPLATE_PID };
    await runRehearsal(template, command, number);
    template.forget(command.nonce);
  }
}

/**
 * Has a template, or the child of one, carry out an execution of ours.
 * @throws {RunnerBootError} when it does not return what it should.
 */
export async function runRehearsal(
  runner: RunnerProcess,
  command: ExecuteCommand,
  number: number,
): Promise<void> {
  const value = (await resultOf(runner, command).catch((error: Error) => {
    throw new RunnerBootError(`a rehearsal failed: ${error.message}`);
  })) as { number?: unknown } | null;
  if (value?.number !== number) throw new RunnerBootError('a rehearsal did not return what it should');
}

/** One of several programs by its number, which no two executions of a template and its children share. */
export function rehearsal(runner: RunnerProcess, number: number, keep: boolean): ExecuteCommand {
  const { format, source } = PROGRAMS[number % PROGRAMS.length] as (typeof PROGRAMS)[number];
  // Node keeps a module by its URL, and V8 a script by its source: each is to be compiled.
  const url = `${ROOT_URL}${number}.${format === 'commonjs' ? 'cjs' : 'js'}`;
  const command = commandFor(runner, '');
  return {
    ...command,
    entry: url,
    modules: [{ url, format, source: withMap(url, `${source} // ${number}\n`), imports: {} }],
    rootUrl: ROOT_URL,
    keep,
    parameters: { number },
    context: { ...command.context, ...CONTEXT },
  };
}

/** As the compiler leaves a module: Node reads the map when it loads one, which no execution is to do for the first time. */
function withMap(url: string, source: string): string {
  const lines = source.split('\n').length - 1;
  const mappings = `${MAPPED_FIRST_LINE}${MAPPED_NEXT_LINE.repeat(lines - 1)}`;
  const map = { version: 3, sources: [url], sourcesContent: [source], mappings, names: [] };
  const inline = Buffer.from(JSON.stringify(map)).toString('base64');
  return `${source}//# sourceMappingURL=data:application/json;base64,${inline}\n`;
}

/** Each line is where it was: the segments of a source map, of https://tc39.es/ecma426/. */
const MAPPED_FIRST_LINE = 'AAAA';
const MAPPED_NEXT_LINE = ';AACA';

/** As much as executions mostly come with: what is read is longer than a page of memory. */
const CONTEXT: Partial<ContextData> = {
  workflowId: 'rehearsal',
  caller: { user_id: 'rehearsal', email: 'rehearsal@example.org', name: 'Rehearsal' },
  organization: { id: 'rehearsal', name: 'Rehearsal' },
};

/** Of a template in its own namespace: nothing about it is to be changed. */
const TEMPLATE_PID = 1;
