import type { FrameType } from '../../boundary/runner-frames.js';
import type { ResourceLimits } from '../../boundary/runner-limits.js';
import type { KindRules } from '../../config/kind-rules.js';
import type { NetworkPolicy, RunnerKindName } from '../../contract/confinement.js';
import type { ConfinedProgramName } from '../../isolation/confined-program.js';
import type { IsolationLevel, RunnerPlace } from '../../isolation/isolation-level.js';
import type { OutletServices } from '../network/network-outlet.js';
import type { RunnerBundles } from './runner-bundle.js';

/** What a kind of runner makes of a process; how code is ended on it is in src/executor/kinds. */
export interface LaunchKind extends KindRules {
  readonly name: RunnerKindName;
  /** The process runs the first. */
  readonly entries: readonly [ConfinedProgramName, ...ConfinedProgramName[]];
  /**
   * The process is that of one execution at a time: its memory, CPU time and scratch folder are those of the
   * execution, and it is the process that is worn by executions. Otherwise it is a host, which sees to that itself.
   */
  readonly ownsProcess: boolean;
  /** Private memory that the kernel lets the process have beyond that of an execution; null: not limited that way. */
  readonly dataSlackMb: number | null;
  /** Frames that only a runner of such a kind may send: what a host says of its executions. */
  readonly hostFrames: readonly FrameType[];
  /** Flags of Node, beside those that every runner gets. */
  flags(launch: RunnerLaunch): string[];
  /** Arguments of the program, after those for confinement and resource limits. */
  programArguments(launch: RunnerLaunch): string[];
}

/** What is needed to start a runner. */
export interface RunnerLaunch {
  kind: LaunchKind;
  /** Executions that it takes at once. */
  slots: number;
  /** Of the entries of its kind. */
  bundles: RunnerBundles;
  level: IsolationLevel;
  place: RunnerPlace;
  /** Most that an execution may have of the network. */
  network: NetworkPolicy;
  /** For executions that reach the network through the worker; null: there are none. */
  outlet: OutletServices | null;
  /** Limit of the JavaScript heap of one execution. */
  heapMb: number;
  /** Memory of one execution. */
  memoryMb: number;
  /** A process or thread is replaced after this many executions; 0: never. */
  maxExecutions: number;
  /** Folder of package sets, which user code may read. */
  packageSets: string;
  /** Packages of the sets may load native code. */
  nativeAddons: boolean;
  /** What the kernel enforces on the process. */
  resources: ResourceLimits;
  /** Longest frame that is read before the runner is given up. */
  frameLimitBytes: number;
}
