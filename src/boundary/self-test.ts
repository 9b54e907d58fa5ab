/**
 * What the worker and the code of its self-test say to each other. Pure types and constants: that code runs
 * inside a runner. What comes of it is in isolation-report.ts.
 */

/** The execution that it runs as; no producer's can have this id. */
export const SELF_TEST_ID = 'self-test of the isolation';

/** What the code tries, in the order of the report. Each must be refused. */
export const ATTACK_NAMES = [
  'worker-environment',
  'worker-memory',
  'processes',
  'signals',
  'descriptor-signals',
  'inherited-descriptors',
  'files',
  'symlink',
  'write-outside',
  'file-metadata',
  'programs',
  'survivor',
  'addon',
  'become-root',
  'pipe-pages',
  'redis',
  'worker-port',
  'unix-socket',
  'metadata-address',
] as const;
export type AttackName = (typeof ATTACK_NAMES)[number];

/** A server that the code tries to use. */
export interface ServerAddress {
  host: string;
  port: number;
  tls: boolean;
}

/** What the code aims at. Everything is really there, so that what gets through meets something. */
export interface SelfTestTargets {
  workerPid: number;
  /** A place in the worker's memory, and how many bytes are there; null: there is no way to name one. */
  memory: { address: string; bytes: number } | null;
  /** Files of the worker; the first is readable by every user, were it not for the isolation. */
  files: string[];
  /** Paths of files that are not there, each in a folder of the worker. */
  newFiles: string[];
  /** Word in the command line of whatever the code starts, by which it is found afterwards. */
  mark: string;
  redis: ServerAddress | null;
  /** Port on loopback. */
  port: number;
  /** Name of an abstract Unix socket, without the leading zero. */
  abstractSocket: string;
  metadataAddress: string;
}

/** How one attack went, as the code saw it. */
export type Finding =
  /** Something was got, which the worker compares with what it knows. */
  | { kind: 'got'; values: string[] }
  /** By the error code of the system or of Node. */
  | { kind: 'refused'; code: string }
  /** The attack did not take place: nothing is known. */
  | { kind: 'broken'; message: string };

export type Findings = Record<AttackName, Finding>;
