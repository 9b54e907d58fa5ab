import { NO_DETAILS } from '../../contract/execution.js';
import { randomBytes } from 'node:crypto';
import { within } from '../../lib/time-limit.js';
import type { NetworkPolicy } from '../../contract/confinement.js';
import type { RunnerFrame } from '../../boundary/runner-frames.js';
import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import { SELF_TEST_ID } from '../../boundary/self-test.js';
import type { RunnerProcess } from './runner-process.js';

const ROOT_URL = 'file:///bifrost/';
const TIMEOUT_MS = 10_000;

/** How a function of ours is run. */
export interface RunOnceOptions {
  parameters?: Record<string, unknown>;
  network?: NetworkPolicy;
  /** As one of several on this runner, which is looked over after it. */
  keep?: boolean;
  /** Called when it has returned, before the runner is killed. */
  onReturned?: (runner: RunnerProcess) => void;
}

/**
 * Runs one function of ours on a fresh runner and kills it.
 * @returns what the function returned.
 * @throws Error that says what the runner did instead.
 */
export async function runOnce(
  runner: RunnerProcess,
  source: string,
  { parameters = {}, network = 'none', keep = false, onReturned = () => undefined }: RunOnceOptions = {},
): Promise<unknown> {
  try {
    const command = { ...commandFor(runner, source), parameters, network, keep };
    const value = await within(resultOf(runner, command), TIMEOUT_MS, () => {
      throw new Error(`a runner did not answer within ${TIMEOUT_MS} ms`);
    });
    onReturned(runner);
    return value;
  } finally {
    runner.kill();
    await runner.ended;
    await runner.place.remove();
  }
}

/** What a command of ours returns, of a runner that is kept once that is settled; rejects with what the runner did instead. */
export function resultOf(runner: RunnerProcess, command: ExecuteCommand): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let stderr = '';
    let value: unknown;
    runner.execute(command, {
      onFrame(frame: RunnerFrame) {
        if (frame.type === 'result') value = frame.value;
        if (frame.type === 'settled' || (frame.type === 'result' && (frame.settled || !command.keep)))
          resolve(value);
        if (frame.type === 'error') reject(new Error(frame.message));
      },
      onRawOutput: (_stream, text) => (stderr += text),
      onViolation: (what) => reject(new Error(what)),
      onEnded: ({ exitCode, signal }) =>
        reject(new Error(`a runner ended (${signal ?? `exit code ${exitCode}`}): ${stderr}`)),
    });
  });
}

/** The command that runs the default export of one module of ours. */
export const commandFor = ({ pid, place }: RunnerProcess, source: string): ExecuteCommand => ({
  type: 'execute',
  nonce: randomBytes(16).toString('hex'),
  ref: randomBytes(8).toString('hex'),
  entry: `${ROOT_URL}own.js`,
  modules: [{ url: `${ROOT_URL}own.js`, format: 'module', source }],
  functionName: 'default',
  rootUrl: ROOT_URL,
  packagesDir: null,
  parameters: {},
  env: {},
  scratch: place.scratch,
  keepsArtifacts: false,
  clearsScratch: false,
  pid,
  network: 'none',
  withoutAddons: false,
  resultLimitBytes: 65_536,
  captureLocals: false,
  keep: false,
  lookEvery: 1,
  context: {
    executionId: SELF_TEST_ID,
    run: 1,
    starts: 1,
    schedule: null,
    children: {},
    childFailures: {},
    attempt: 1,
    workflowId: null,
    ...NO_DETAILS,
    files: {},
    caller: null,
    organization: null,
    secrets: {},
    traceparent: null,
    deadline: new Date(Date.now() + TIMEOUT_MS).toISOString(),
  },
});
