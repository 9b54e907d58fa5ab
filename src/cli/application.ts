import { existsSync } from 'node:fs';
import { loadAhead } from '../lib/bundle/built-ahead.js';
import { CommandError, EXIT } from './output/exit.js';

/** The program of a worker lies beside the command only where both are installed. */
const WORKER = new URL('../main.js', import.meta.url);

/** Whether the command is installed with the worker. */
export const hasWorker = (): boolean => existsSync(WORKER);

/**
 * Loads a part of the worker for the commands that are more than a client of it.
 * @param name of what was built ahead of it
 * @throws {CommandError} where the command is installed without the worker
 */
export async function partOfWorker<M>(name: string, otherwise: () => Promise<M>): Promise<M> {
  try {
    return await loadAhead(name, otherwise);
  } catch (error) {
    if (hasWorker()) throw error;
    throw new CommandError(
      EXIT.usage,
      'this is the client alone: the commands worker, doctor, conformance and faults are where bifrost-worker is installed',
    );
  }
}
