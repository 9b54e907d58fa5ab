import type { ContextData, ExecuteCommand, RunnerCommand } from './runner-protocol.js';

/**
 * How an execute command is sent: short, since reading it takes a runner longer than anything else that it does for most
 * executions. What a runner has been sent it is not sent again, and the context is a list without names.
 *
 * User code may have given all objects a property of any name. So each field that is read here is there, be it as null, or is
 * taken from what was read of JSON as a whole.
 */
export interface SentExecution extends Omit<ExecuteCommand, keyof PlaceFields | 'context'> {
  /** null: the same as that of the execution before. */
  place: PlaceFields | null;
  context: SentContext;
}

/** Whatever a runner is sent. */
export type SentCommand = Exclude<RunnerCommand, ExecuteCommand> | SentExecution;

/** What is mostly the same for all executions that a runner serves. None of it is an object that code is given, and could change. */
const PLACE_FIELDS = [
  'rootUrl',
  'packagesDir',
  'scratch',
  'keepsArtifacts',
  'clearsScratch',
  'pid',
  'network',
  'withoutAddons',
  'resultLimitBytes',
  'keep',
  'lookEvery',
  'captureLocals',
] as const satisfies readonly (keyof ExecuteCommand)[];
export type PlaceFields = Pick<ExecuteCommand, (typeof PLACE_FIELDS)[number]>;

type SentContext = readonly [
  ContextData['executionId'],
  ContextData['attempt'],
  ContextData['run'],
  ContextData['starts'],
  ContextData['schedule'],
  ContextData['children'],
  ContextData['childFailures'],
  ContextData['workflowId'],
  ContextData['name'],
  ContextData['config'],
  ContextData['startup'],
  ContextData['event'],
  ContextData['extra'],
  ContextData['files'],
  ContextData['caller'],
  ContextData['organization'],
  ContextData['secrets'],
  ContextData['traceparent'],
  ContextData['deadline'],
];

/** The place of a command; the same object where it is that of an earlier one. */
export const placeOf = (command: ExecuteCommand, known: PlaceFields | null): PlaceFields =>
  known !== null && isSame(known, command)
    ? known
    : (Object.fromEntries(PLACE_FIELDS.map((name) => [name, command[name]])) as unknown as PlaceFields);

const isSame = (place: PlaceFields, command: ExecuteCommand): boolean =>
  PLACE_FIELDS.every((name) => place[name] === command[name]);

/** What is sent of a command. `addressOf` knows its first fields by their order. */
export const toSend = (
  { nonce, ref, entry, functionName, parameters, env, context }: ExecuteCommand,
  modules: ExecuteCommand['modules'],
  place: PlaceFields | null,
): SentExecution => ({
  type: 'execute',
  nonce,
  ref,
  place,
  entry,
  modules,
  functionName,
  parameters,
  env,
  context: [
    context.executionId,
    context.attempt,
    context.run,
    context.starts,
    context.schedule,
    context.children,
    context.childFailures,
    context.workflowId,
    context.name,
    context.config,
    context.startup,
    context.event,
    context.extra,
    context.files,
    context.caller,
    context.organization,
    context.secrets,
    context.traceparent,
    context.deadline,
  ],
});

/** The command that was sent. By places, not by what iterates over arrays: code may have replaced that. */
export const received = (
  { nonce, ref, entry, modules, functionName, parameters, env, context }: SentExecution,
  place: PlaceFields,
): ExecuteCommand => ({
  type: 'execute',
  nonce,
  ref,
  entry,
  modules,
  functionName,
  rootUrl: place.rootUrl,
  packagesDir: place.packagesDir,
  parameters,
  env,
  scratch: place.scratch,
  keepsArtifacts: place.keepsArtifacts,
  clearsScratch: place.clearsScratch,
  pid: place.pid,
  network: place.network,
  withoutAddons: place.withoutAddons,
  resultLimitBytes: place.resultLimitBytes,
  keep: place.keep,
  lookEvery: place.lookEvery,
  captureLocals: place.captureLocals,
  context: {
    executionId: context[0],
    attempt: context[1],
    run: context[2],
    starts: context[3],
    schedule: context[4],
    children: context[5],
    childFailures: context[6],
    workflowId: context[7],
    name: context[8],
    config: context[9],
    startup: context[10],
    event: context[11],
    extra: context[12],
    files: context[13],
    caller: context[14],
    organization: context[15],
    secrets: context[16],
    traceparent: context[17],
    deadline: context[18],
  },
});

const NONCE_AFTER = '{"type":"execute","nonce":"';
const REF_AFTER = '","ref":"';

/** Whose an execution is that was sent, read off the text: a host of threads needs nothing else of it. null: it is another command. */
export function addressOf(line: string): Pick<ExecuteCommand, 'type' | 'nonce' | 'ref'> | null {
  if (!line.startsWith(NONCE_AFTER)) return null;
  const nonceEnd = line.indexOf('"', NONCE_AFTER.length);
  const refStart = nonceEnd + REF_AFTER.length;
  return {
    type: 'execute',
    nonce: line.slice(NONCE_AFTER.length, nonceEnd),
    ref: line.slice(refStart, line.indexOf('"', refStart)),
  };
}
