import { requireNewNode } from '../lib/process/node-version.js';
import { endOnEarlySignals } from '../lib/process/early-signals.js';
import { hasWorker, partOfWorker } from './application.js';

/**
 * `bifrost worker`: becomes the worker, until a signal ends it. The only command that loads the application.
 * @param env the environment, which settings are read from.
 */
export async function worker(env: NodeJS.ProcessEnv, args: { id?: string; type?: string }): Promise<void> {
  if (hasWorker()) requireNewNode();
  // As --enable-source-maps does for `npm run start:prod`: stack traces name the sources.
  process.setSourceMapsEnabled(true);
  const early = endOnEarlySignals();
  const { runWorker } = await partOfWorker('bootstrap.cjs', () => import('../bootstrap.js'));
  await runWorker(env, args, early);
}
