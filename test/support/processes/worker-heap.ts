import { until } from '../until.js';
import type { WorkerProcess } from './worker-process.js';

/** What the environment of a worker needs for {@link heapMbOf}. */
export const WITH_INSPECTOR = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/** JavaScript heap of a worker in MB, right after a full garbage collection. */
export async function heapMbOf(worker: WorkerProcess): Promise<number> {
  const address = await until(
    () => worker.output.map((line) => /^Debugger listening on (ws:\S+)/.exec(line)?.[1]).find(Boolean),
    { what: "the worker's inspector listens" },
  );
  const socket = new WebSocket(address);
  try {
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    await ask(socket, 1, 'HeapProfiler.collectGarbage');
    const { usedSize } = (await ask(socket, 2, 'Runtime.getHeapUsage')) as { usedSize: number };
    return usedSize / 1_048_576;
  } finally {
    socket.close();
  }
}

function ask(socket: WebSocket, id: number, method: string): Promise<unknown> {
  return new Promise((resolve) => {
    const onMessage = ({ data }: MessageEvent): void => {
      const message = JSON.parse(String(data)) as { id?: number; result?: unknown };
      if (message.id !== id) return;
      socket.removeEventListener('message', onMessage);
      resolve(message.result);
    };
    socket.addEventListener('message', onMessage);
    socket.send(JSON.stringify({ id, method }));
  });
}
