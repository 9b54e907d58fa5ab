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
/** After this many more V8 has optimized what an execution goes through: it does that at the 400th call of a function, or at the 600th. */
const FURTHER_REHEARSALS = 600;
/** One of each program: all of them work. */
export const FEW_REHEARSALS = 3;

/** What executions mostly do; each returns its parameters, so that it is seen to have run. */
const FUNCTION = `export default async function main(parameters, context) {
  const doubled = [1, 2, 3].map((each) => each * 2);
  console.log('rehearsal', { doubled });
  context.variables.doubled = Buffer.from(doubled).toJSON().data;
  await new Promise((resolve) => setTimeout(resolve, 1));
  return { doubled, text: JSON.stringify(parameters), ...parameters };
}`;
const SHORT_FUNCTION = 'export default (parameters) => ({ sum: 1 + 1, ...parameters });';
const COMMONJS = 'module.exports = async (parameters) => ({ sum: 1 + 1, ...parameters });';

/** The number of a rehearsal of the second. */
const SHORT = 1;

const PROGRAMS = [
  { format: 'module', source: FUNCTION },
  { format: 'module', source: SHORT_FUNCTION },
  { format: 'commonjs', source: COMMONJS },
] as const;

/** What a template rehearses. */
export interface Rehearsals {
  /** How many. */
  rehearsals: number;
  /** Its children serve one execution after the other, and so does it. */
  keep: boolean;
  /** And further ones of a program that is loaded. */
  many: boolean;
}

/**
 * Has a template carry out executions of ours, over the descriptors by which those of users come, and freeze:
 * what Node loads and compiles for the first of them, its children have.
 * @param frozen resolves when the template says that it is.
 * @throws {RunnerBootError} when one does not return what it should, or the template does not freeze.
 */
export async function prepareTemplate(
  template: RunnerProcess,
  commands: Writable,
  { frozen, ...rehearsals }: Rehearsals & { frozen: Promise<void> },
): Promise<void> {
  const freeze: FreezeCommand = { type: 'freeze' };
  const prepared = rehearse(template, rehearsals).then(() => {
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

/** Whether V8 would optimize what an execution goes through in each runner anew, since each serves enough of them. */
export const servesMany = (maxExecutions: number): boolean =>
  maxExecutions === 0 || maxExecutions >= FURTHER_REHEARSALS;

async function rehearse(template: RunnerProcess, { rehearsals, keep, many }: Rehearsals): Promise<void> {
  for (let number = 0; number < rehearsals; number++)
    await rehearseOne(template, rehearsal(template, number, keep), number);
  if (!many) return;
  // Such a runner has mostly loaded what it is to run.
  const { entry } = rehearsal(template, SHORT, keep);
  for (let number = rehearsals; number < rehearsals + FURTHER_REHEARSALS; number++)
    await rehearseOne(template, { ...commandOf(template, number, keep), entry }, number);
}

async function rehearseOne(template: RunnerProcess, command: ExecuteCommand, number: number): Promise<void> {
  // What it shows itself as; a child has another number, which it is given then.
  await runRehearsal(template, { ...command, pid: TEMPLATE_PID }, number);
  template.forget(command.nonce);
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
  return {
    ...commandOf(runner, number, keep),
    entry: url,
    modules: [{ url, format, source: withMap(url, `${source} // ${number}\n`), imports: {} }],
  };
}

/** What V8 takes for certain is to hold for executions that have more and for those that have less. */
function commandOf(runner: RunnerProcess, number: number, keep: boolean): ExecuteCommand {
  const command = commandFor(runner, '');
  return {
    ...command,
    modules: [],
    rootUrl: ROOT_URL,
    keep,
    parameters: { number },
    env: number % 2 === 0 ? { REHEARSAL: `${number}` } : {},
    context: number % 4 < 2 ? { ...command.context, ...CONTEXT } : command.context,
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
