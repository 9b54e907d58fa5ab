import type { InputFile } from './fields/artifacts.js';
import type { NetworkPolicy } from './confinement.js';
import type { Tick } from './jobs/schedule.js';

/** Where the code of an execution is. */
export type ExecutionSource =
  /** `path`: the workspace path under which it runs; missing: it has none of its own. */
  | { kind: 'inline'; code: string; functionName: string | null; path?: string }
  | { kind: 'module'; path: string; functionName: string };

/** Children of a BullMQ flow, each by the Redis key of its job as BullMQ names it. */
export interface FlowChildren {
  /** Return values of those that completed. */
  values: Readonly<Record<string, unknown>>;
  /** Reasons of those that failed without failing their parent. */
  failures: Readonly<Record<string, string>>;
}

export const NO_CHILDREN: FlowChildren = { values: {}, failures: {} };

/** What a producer says of an execution beside what it runs; the code sees all of it. */
export interface ContextDetails {
  name: string | null;
  config: Record<string, unknown>;
  startup: Record<string, unknown> | null;
  event: Record<string, unknown> | null;
  /** Fields of the context that mean nothing here. */
  extra: Record<string, unknown>;
}

export const NO_DETAILS: ContextDetails = { name: null, config: {}, startup: null, event: null, extra: {} };

/** What is set of the organization of an execution that narrows the limits of the worker; null: nothing. */
export interface OrganizationBounds {
  memoryMb: number | null;
  outputBytes: number | null;
  /** Hosts and addresses as entries of NETWORK_ALLOW, of those that the worker lets through. */
  networkAllow: readonly string[] | null;
  /** Packages load no native code. */
  withoutAddons: boolean;
}

/** One execution, validated and complete: what the executor is asked to carry out. */
export interface Execution {
  id: string;
  /** 1 for the first time that its code is started. */
  attempt: number;
  /** How often its code was started in this run, with this time: also starts that do not count as attempts. */
  starts: number;
  /** 1 for the first run; more where it has ended before and runs again. */
  run: number;
  /** The tick of a schedule that it is. */
  tick: Tick | null;
  /** What the jobs that its job waited for came to. */
  flow: FlowChildren;
  source: ExecutionSource;
  parameters: Record<string, unknown>;
  /** Files that its code is given, by name. */
  files: Readonly<Record<string, InputFile>>;
  env: Record<string, string>;
  secrets: Record<string, string>;
  caller: Record<string, unknown> | null;
  organization: ({ id: string } & Record<string, unknown>) | null;
  workflowId: string | null;
  details: ContextDetails;
  tags: readonly string[];
  /** Id of the execution that it is run again of; missing: of none. */
  againOf?: string;
  timeoutMs: number;
  /** Which network its code has. */
  network: NetworkPolicy;
  /** Missing: its organization has no limits of its own. */
  bounds?: OrganizationBounds;
  /** On failure: also the local variables of the calls that the error went through. */
  captureLocals: boolean;
  /** W3C trace context of the request; null: it is not traced. */
  traceparent: string | null;
  /** Workspace generation of an earlier attempt, to be used again while it exists; null: the current one. */
  generation: number | null;
  /** Workspace generation that the producer asks for: this one or none. null: the producer has no wish. */
  wantedGeneration: number | null;
}
