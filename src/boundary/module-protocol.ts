import type { ShippedModule } from './shipped-module.js';

/**
 * What a runner asks when it meets an import that was not shipped, and what the worker replies. Pure types
 * and constants, as in runner-protocol.ts. The runner waits for the reply with its whole thread:
 * there is at most one open request.
 */
export interface ModuleRequest {
  /** As it stands in the code. */
  specifier: string;
  /** URL of the importing module. */
  from: string;
  /** True: no package has this name either; the reply is the error to show. */
  missing?: boolean;
}

/**
 * - `modules`: the specifier means the workspace module `url`; `modules` holds what the runner lacks of it and its own imports.
 * - `package`: nothing in the workspace has this name; the runner looks into its package set.
 * - `error`: there is no such module, or it is refused.
 */
export type ModuleReply =
  | { kind: 'modules'; url: string; modules: ShippedModule[] }
  | { kind: 'package' }
  | { kind: 'error'; error: ModuleFailure };

export interface ModuleFailure {
  code:
    | 'MODULE_NOT_FOUND'
    | 'MODULE_LIMIT'
    | 'COMPILE_LIMIT'
    | 'PACKAGE_REFUSED'
    | 'PACKAGE_INSTALL_FAILED'
    | 'USER_ERROR'
    | 'INTERNAL';
  /** Class name that the user's code sees. */
  name: string;
  message: string;
}

/** Virtual module that exports a `require` for the module that imports it. */
export const REQUIRE_SPECIFIER = 'bifrost:require';

/** Names what lets the runner read the top-level variables of a script: a virtual module, and to `process.getBuiltinModule` a function. */
export const PROBE_SPECIFIER = 'bifrost:probe';

/** Longest specifier that a runner may ask for, in characters. */
export const SPECIFIER_LIMIT_CHARS = 2_048;
