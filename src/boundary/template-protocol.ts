/**
 * What the worker says to a template while that rehearses, beside commands of executions, and what a template
 * gets as its last argument. From its freezing on it reads requests of fixed size: src/executor/template.
 */
import type { NetworkPolicy } from '../contract/confinement.js';
import type { RunnerCommand } from './runner-protocol.js';

/** The descriptor after those of a runner: requests for children, and answers. */
export const CONTROL_FD = 7;

/** Worker -> template: the rehearsals are over, freeze. */
export interface FreezeCommand {
  type: 'freeze';
}

export type TemplateCommand = RunnerCommand | FreezeCommand;

/** Passed as JSON. */
export interface TemplateOptions {
  /** Path of the native piece. */
  freezer: string;
  /** Path of the worker's socket, as the template sees it. */
  door: string;
  /** The most of the network that an execution of a child has. */
  network: NetworkPolicy;
  /** Children have a connection to the worker's network: NETWORK_FD. */
  hasOutlet: boolean;
  /** Children serve one execution after the other. */
  isReused: boolean;
  namespaces: boolean;
  ownUsers: boolean;
}

/** The number of every forked runner in its own namespace: number 1 is its keeper (native/freezer/server.c). */
export const FORKED_PID = 2;
