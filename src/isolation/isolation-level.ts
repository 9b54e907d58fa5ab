import type { Confinement, IsolationLevelName } from '../contract/confinement.js';

/** What a confined process has of the machine, beside Node and its libraries. */
export interface ProcessAccess {
  /** Files of the worker that it may read. */
  files: readonly string[];
  /** Programs that it may start before it seals itself, and native libraries that it may load; none for a runner. */
  programs: readonly string[];
  /** Folder of package sets that it may read; null: none. */
  packageSets: string | null;
  /** It runs native code of packages. */
  nativeAddons: boolean;
  /** It has the machine's network instead of an empty one. */
  shareNetwork: boolean;
}

/** What one runner has of the machine, from its start to its end. */
export interface RunnerPlace {
  /** The one folder in which it may write, as the runner sees it. */
  readonly scratch: string;
  /** User and group of its own; null: those of the worker. */
  readonly uid: number | null;
  /** The folder is in the worker's sight, so that the worker empties it between executions. */
  readonly onDisk: boolean;
  /** Whether packages of the sets can be loaded here: what is made later may stay out of its sight. */
  readonly hasPackages: boolean;
  /** The runner is there: what of its folder can only be reached through it is to be held from now on. */
  attach(pid: number): void;
  /** How this process reaches a folder that the runner calls so, until `remove`; null: it cannot. */
  pathOf(folder: string): string | null;
  /** What is in the scratch folder, with 1 KiB for each file; null where that cannot be known. Need not count beyond `enough`. */
  usedBytes(pid: number, enough: number): Promise<number | null>;
  /** Gives everything back; the runner must be dead. */
  remove(): Promise<void>;
}

/** The command that starts a runner. */
export interface StartCommand {
  file: string;
  args: string[];
  cwd: string;
  /** File that the command reads from the descriptor {@link EXTRA_FD}. */
  extraFile: string | null;
}

/** Descriptor of {@link StartCommand.extraFile}, the one after those of the runner protocol. */
export const EXTRA_FD = 5;

/** How the process that we started ended: one of the two is null. */
export interface ProcessEnd {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * One way of keeping user code from everything else, from the places of runners to how they are started.
 * What each level enforces, and what not: docs/security-model.md.
 */
export interface IsolationLevel {
  readonly name: IsolationLevelName;
  /** @throws what the file system says. */
  openPlace(): Promise<RunnerPlace>;
  /** How to start Node with these arguments in this place. */
  command(place: RunnerPlace, nodeArgs: readonly string[]): StartCommand;
  /** What the runner does to itself. */
  confinement(place: RunnerPlace): Confinement;
  /** The process of the runner itself, by the process that was started. */
  runnerPid(startedPid: number): number;
  /** How the runner ended, by how the process that was started ended. */
  runnerEnd(end: ProcessEnd): ProcessEnd;
  /** The same level for a template of runners; null: it has none, and each runner is started. */
  forTemplate(parts: TemplateParts): TemplateLevel | null;
}

/** What a template has beside what a runner has. */
export interface TemplateParts {
  /** Files that it may read: its program and its native piece. */
  files: readonly string[];
  /** Path of the worker's socket, to which children connect. */
  door: string;
}

/**
 * A level as a template of it is started: with the rights by which it makes its children, which are runners of
 * the level. `confinement` is that of a child. No user code ever runs in a template.
 */
export interface TemplateLevel extends IsolationLevel {
  /** Path of the door as the template sees it. */
  readonly door: string;
  /** Children have mounts, processes, IPC and host name of their own, and a keeper as process 1. */
  readonly namespaces: boolean;
  /** And a user namespace, without which its user could not make the others. */
  readonly ownUsers: boolean;
  /** Size of a child's scratch folder in memory. */
  readonly scratchBytes: number;
}
