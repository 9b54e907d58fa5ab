/** What one execution may load, and what a workspace may hold. */
export interface WorkspaceLimits {
  /** Source of one module. */
  moduleBytes: number;
  /** Modules that one execution loads, and the sum of their sources as compiled. */
  closureModules: number;
  closureBytes: number;
  /** Length of the shortest chain of imports from the entry to a module. */
  importDepth: number;
  /** Shipped ahead although only `import()` or `require()` names them; the others are sent when asked for. */
  optionalModules: number;
  optionalBytes: number;
  /** Files of a generation. */
  workspaceFiles: number;
  /** Modules that code asks for while it runs and that are not there, each counted as often as it is asked for. */
  missedModules: number;
}

const MEGABYTE = 1024 * 1024;

export const WORKSPACE_LIMITS: Readonly<WorkspaceLimits> = {
  moduleBytes: 2 * MEGABYTE,
  closureModules: 5_000,
  closureBytes: 64 * MEGABYTE,
  importDepth: 256,
  optionalModules: 500,
  optionalBytes: 8 * MEGABYTE,
  workspaceFiles: 100_000,
  missedModules: 1_000,
};
