import { DatabaseAwayError } from '../../archive/archive-database.js';
import { isPassing } from '../../archive/database-errors.js';
import { TooManyGroupsError } from '../../archive/read/statistics-reader.js';
import { ProblemException } from '../http/problem.js';
import { invalid } from '../executions/requests.js';

/**
 * Turns what the archive cannot do now into an answer that says what to do.
 * @throws {ProblemException} 503, or 400 for a question that is too wide.
 */
export async function withinArchive<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw problemOfArchive(error);
  }
}

/** Other errors pass unchanged. */
export function problemOfArchive(error: unknown): unknown {
  if (error instanceof DatabaseAwayError) {
    const detail = `The history cannot be read now: ${error.message}`;
    return new ProblemException('unavailable', detail, { headers: { 'retry-after': '5' } });
  }
  if (error instanceof TooManyGroupsError) {
    return invalid([
      { field: 'by', message: `${error.message}: name fewer, or fewer days with since and until` },
    ]);
  }
  if (isPassing(error)) {
    const detail = 'The database took too long: ask for less, with since and until';
    return new ProblemException('unavailable', detail, { headers: { 'retry-after': '5' } });
  }
  return error;
}
