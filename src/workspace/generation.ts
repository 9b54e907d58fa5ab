import type { GenerationDiff } from '../contract/workspace.js';

/** Path -> SHA-256 of the source: what a generation is. */
export type PathMap = ReadonlyMap<string, string>;

/** What changes from `before` to `after`. */
export function diffPaths(before: PathMap, after: PathMap): GenerationDiff {
  const paths = [...after.keys()];
  return {
    added: paths.filter((path) => !before.has(path)).toSorted(),
    changed: paths.filter((path) => before.has(path) && before.get(path) !== after.get(path)).toSorted(),
    removed: [...before.keys()].filter((path) => !after.has(path)).toSorted(),
  };
}

/** Another publish came first. Nothing was switched. */
export class PublishConflict extends Error {
  override name = 'PublishConflict';

  constructor(
    readonly expected: number | null,
    readonly actual: number | null,
  ) {
    super(
      `The current generation is ${actual ?? 'none'}, not ${expected ?? 'none'}: another publish came first. Look at the difference and publish again`,
    );
  }
}

/** There is no such generation, or not any more. */
export class GenerationNotFound extends Error {
  override name = 'GenerationNotFound';

  constructor(readonly generation: number) {
    super(`There is no generation ${generation}: it was never published, or has been removed`);
  }
}

/** Files that cannot be published; nothing was. */
export class WorkspaceInputError extends Error {
  override name = 'WorkspaceInputError';

  constructor(readonly problems: { path: string; message: string }[]) {
    super(problems.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  }
}

/** Redis went away while a generation was being made. Nothing was switched. */
export class PublishInterrupted extends Error {
  override name = 'PublishInterrupted';
}
