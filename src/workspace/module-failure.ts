import type { ModuleFailure } from '../boundary/module-protocol.js';
import { ERROR_TYPES } from '../contract/failure.js';
import { CompileError, CompileLimitError } from '../compile/compile-error.js';

/** A module cannot be used, for a reason that the author of the code can fix. */
export class ModuleError extends Error {
  constructor(
    readonly code: 'MODULE_NOT_FOUND' | 'MODULE_LIMIT',
    message: string,
  ) {
    super(message);
    this.name = ERROR_TYPES[code];
  }
}

/** What runner and result report of an error during the search for modules. */
export function toModuleFailure(error: unknown): ModuleFailure {
  if (error instanceof ModuleError) return { code: error.code, name: error.name, message: error.message };
  if (error instanceof CompileError) return { code: 'USER_ERROR', name: error.name, message: error.message };
  if (error instanceof CompileLimitError)
    return { code: 'COMPILE_LIMIT', name: error.name, message: error.message };
  const reason = error instanceof Error ? error.message : String(error);
  return {
    code: 'INTERNAL',
    name: ERROR_TYPES.INTERNAL,
    message: `The workspace could not be read: ${reason}`,
  };
}

/** Of an execution that asks for a generation that is not there. */
export const goneGeneration = (
  generation: number | null | undefined,
): { generation: null; failure: ModuleFailure } => ({
  generation: null,
  failure: toModuleFailure(
    new ModuleError(
      'MODULE_NOT_FOUND',
      `There is no workspace generation ${generation}, which workspace_generation asks for: it was never published, or has been removed. Publish again, or leave the field out`,
    ),
  ),
});
