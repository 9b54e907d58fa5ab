import { type PathMap, WorkspaceInputError } from './generation.js';
import { normalizeModulePath } from './module-path.js';
import { WORKSPACE_LIMITS } from './workspace-limits.js';

type Problem = WorkspaceInputError['problems'][number];

/**
 * Normalizes paths and refuses what could never be loaded.
 * @throws {WorkspaceInputError} naming every file
 */
export function checkFiles(files: ReadonlyMap<string, string>): Map<string, string> {
  const problems: Problem[] = [];
  const sources = normalized(files, problems);
  for (const [path, source] of files) {
    const message = refusalOfSource(source);
    if (message) problems.push({ path, message });
  }
  if (problems.length > 0) throw new WorkspaceInputError(problems);
  return sources;
}

/** {@link checkFiles} for a map path -> SHA-256. */
export function checkPaths(paths: PathMap): Map<string, string> {
  const problems: Problem[] = [];
  const map = normalized(paths, problems);
  for (const [path, hash] of paths) {
    if (!/^[0-9a-f]{64}$/.test(hash)) problems.push({ path, message: 'needs a SHA-256 in lower-case hex' });
  }
  if (problems.length > 0) throw new WorkspaceInputError(problems);
  return map;
}

/** Why no module can have this source; undefined when one can. */
export function refusalOfSource(source: string): string | undefined {
  const bytes = Buffer.byteLength(source);
  if (bytes > WORKSPACE_LIMITS.moduleBytes) {
    return `has ${bytes} bytes, more than ${WORKSPACE_LIMITS.moduleBytes}`;
  }
  return source.isWellFormed() ? undefined : 'is no valid Unicode text';
}

function normalized(files: PathMap, problems: Problem[]): Map<string, string> {
  const result = new Map<string, string>();
  for (const [path, content] of files) {
    try {
      const normal = normalizeModulePath(path);
      if (result.has(normal)) {
        problems.push({ path, message: `is given twice, the other time as ${normal}` });
      }
      result.set(normal, content);
    } catch (error) {
      problems.push({ path, message: (error as Error).message });
    }
  }
  if (files.size > WORKSPACE_LIMITS.workspaceFiles) {
    problems.push({
      path: '.',
      message: `${files.size} files, more than ${WORKSPACE_LIMITS.workspaceFiles}`,
    });
  }
  return result;
}
