import { z } from 'zod';
import { NETWORK_POLICIES } from '../confinement.js';

/** The network that an execution asks for. */
export const networkFieldSchema = z
  .enum(NETWORK_POLICIES, { error: `must be one of ${NETWORK_POLICIES.join(', ')}` })
  .nullish()
  .meta({
    description:
      'Network of the code: none, proxy (what the worker lets through) or open. Not more than the worker has. Default: what the worker has',
  });
