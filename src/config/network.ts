import type { NetworkPolicy } from '../contract/confinement.js';
import type { Settings } from './settings.js';

/** The most that user code may have of the network; an execution may ask for less. */
export const networkOf = ({ NETWORK, RUNNER }: Settings): NetworkPolicy =>
  NETWORK ?? (RUNNER === 'thread' ? 'open' : 'none');
