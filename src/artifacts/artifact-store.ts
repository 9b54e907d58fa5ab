import type { Readable } from 'node:stream';
import type { Artifact } from '../contract/fields/artifacts.js';

/** Injects the {@link ArtifactStore} of this process. */
export const ARTIFACT_STORE: unique symbol = Symbol('ArtifactStore');

/** A file that is to be kept. Reading it again gives the same bytes, unless it was changed meanwhile. */
export interface Content {
  name: string;
  bytes: number;
  type: string;
  /**
   * Its bytes from the beginning: exactly {@link bytes} of them, or it fails. A chunk holds until the next one is
   * asked for: all of them are one piece of memory.
   */
  readonly chunks: () => AsyncIterable<Uint8Array>;
}

/**
 * Where artifacts are kept. A folder is the day, the execution and its attempt, as `artifact-folders.ts` writes them;
 * in it artifacts have their names.
 */
export interface ArtifactStore {
  /**
   * Keeps a file, whole or not at all; one of the same name is replaced.
   * @throws {StoreError} when the store cannot take it now; what reading it throws, as it is.
   */
  put(folder: string, content: Content): Promise<void>;
  /** The bytes of an artifact; null: there is none. @throws {StoreError} */
  open(folder: string, artifact: Artifact): Promise<Readable | null>;
  /** A link that works without a token until then; null: the API makes one of its own. */
  link(folder: string, artifact: Artifact, lifetimeMs: number): Promise<string | null>;
  /** Removes everything below folders, whose paths end with a slash. @throws {StoreError} */
  remove(folders: readonly string[]): Promise<void>;
  /** Removes every day before this one, such as `2026-11-28`. @throws {StoreError} */
  removeBefore(day: string): Promise<void>;
}

/** The store does not do what it is asked for; the message says why, for operators. */
export class StoreError extends Error {
  override name = 'StoreError';
}
