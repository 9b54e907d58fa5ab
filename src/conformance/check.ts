import type { Settings } from '../config/settings.js';
import type { Wire } from './wire.js';

/** The connection to the workers, and what they are set to. */
export interface Conversation {
  wire: Wire;
  settings: Settings;
}

/** One thing that the contract promises. */
export interface Check {
  name: string;
  /** Nothing after it means anything when it fails. */
  isBasic?: true;
  /** Whether workers of these settings promise it; absent: all do. */
  applies?: (settings: Settings) => boolean;
  /** @throws {Mismatch} when the worker does otherwise */
  run(conversation: Conversation): Promise<void>;
}
