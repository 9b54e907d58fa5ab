import { StoreError } from '../../artifacts/artifact-store.js';
import { ProblemException } from '../http/problem.js';

/** Turns what the store of artifacts cannot do now into an answer. @throws {ProblemException} 503 */
export async function withinStore<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const detail = `The store of artifacts cannot be used now: ${error.message}`;
    throw new ProblemException('unavailable', detail, { headers: { 'retry-after': '5' } });
  }
}
