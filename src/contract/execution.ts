import type { NetworkPolicy } from './confinement.js';

/** Where the code of an execution is. */
export type ExecutionSource =
  | { kind: 'inline'; code: string; functionName: string | null }
  | { kind: 'module'; path: string; functionName: string };

/** One execution, validated and complete: what the executor is asked to carry out. */
export interface Execution {
  id: string;
  /** 1 for the first time that its code is started. */
  attempt: number;
  source: ExecutionSource;
  parameters: Record<string, unknown>;
  env: Record<string, string>;
  secrets: Record<string, string>;
  caller: Record<string, unknown> | null;
  organization: ({ id: string } & Record<string, unknown>) | null;
  workflowId: string | null;
  tags: readonly string[];
  timeoutMs: number;
  /** Which network its code has. */
  network: NetworkPolicy;
  /** On failure: also the local variables of the calls that the error went through. */
  captureLocals: boolean;
  /** W3C place in the trace of who asked for it; null: nobody traces. */
  traceparent: string | null;
  /** Workspace generation of an earlier attempt, to be used again while it exists; null: the current one. */
  generation: number | null;
  /** Workspace generation that the producer asks for: this one or none. null: the producer has no wish. */
  wantedGeneration: number | null;
}
