import {
  GenerationNotFound,
  PublishConflict,
  PublishInterrupted,
  WorkspaceInputError,
} from '../../workspace/generation.js';
import type { SourceFault } from '../../workspace/workspace.service.js';
import { ProblemException } from '../http/problem.js';
import { redisAway } from '../http/redis-bound.js';
import { invalid } from '../executions/requests.js';

/** Bounds the answer: a map of 100,000 wrong paths must not become megabytes. */
const MAX_ERRORS = 200;

/** Waits for the work and turns what the workspace refuses into problems. */
export async function withProblems<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw problemFor(error);
  }
}

/** 422 that names every file which no execution could import, with its place. */
export function syntaxProblem(faults: readonly SourceFault[]): ProblemException {
  const errors = faults.slice(0, MAX_ERRORS).map(({ path, message, location }) => ({
    field: path,
    message,
    ...(location ? { line: location.line, column: location.column } : {}),
  }));
  const detail = `${faults.length} files hold errors. Nothing was published. The first: ${faults[0]?.message}`;
  return new ProblemException('syntax-errors', detail, { errors });
}

/** 422 that lists the hashes of sources to send. */
export const missingProblem = (missing: readonly string[]): ProblemException =>
  new ProblemException(
    'sources-missing',
    `${missing.length} sources are not here: send them by PUT /workspace/sources, then this again`,
    { members: { missing } },
  );

function problemFor(error: unknown): unknown {
  if (error instanceof PublishConflict) {
    return new ProblemException('outdated', error.message, { members: { current: error.actual } });
  }
  if (error instanceof GenerationNotFound) return new ProblemException('not-found', error.message);
  if (error instanceof WorkspaceInputError) {
    const errors = error.problems.slice(0, MAX_ERRORS);
    return invalid(errors.map(({ path, message }) => ({ field: path, message })));
  }
  return error instanceof PublishInterrupted ? redisAway(error.message) : error;
}
