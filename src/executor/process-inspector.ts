import { setTimeout as sleep } from 'node:timers/promises';
import type { CodePlace } from '../contract/runner-protocol.js';
import type { RunnerProcess } from './runner-process.js';

interface PausedMessage {
  id?: number;
  method?: string;
  params?: {
    callFrames: {
      functionName: string;
      url: string;
      location: { scriptId: string; lineNumber: number; columnNumber: number };
    }[];
    scriptId?: string;
    url?: string;
  };
}

/**
 * Where the JavaScript of a runner is right now, innermost call first; null when it cannot be told
 * within `timeoutMs`, as for code that is inside a native call. Also works while JavaScript blocks the
 * event loop: SIGUSR1 makes Node open its inspector in a thread of its own, on a loopback port whose
 * secret address only the runner's stderr tells. Afterwards the runner stands still: kill it.
 */
export async function interruptedAt(runner: RunnerProcess, timeoutMs: number): Promise<CodePlace[] | null> {
  const limit = new AbortController();
  const late = sleep(timeoutMs, null, { signal: limit.signal }).catch(() => null);
  const address = runner.openInspector();
  let socket: WebSocket | null = null;
  try {
    const url = await Promise.race([address, late]);
    if (url === null) return null;
    socket = new WebSocket(url);
    return await Promise.race([pausedPlaces(socket), late]);
  } catch {
    return null;
  } finally {
    limit.abort();
    socket?.close();
  }
}

function pausedPlaces(socket: WebSocket): Promise<CodePlace[]> {
  const urls = new Map<string, string>();
  return new Promise((resolve, reject) => {
    socket.addEventListener('error', () => reject(new Error('the inspector cannot be reached')));
    socket.addEventListener('open', () => {
      for (const [id, method] of ['Debugger.enable', 'Debugger.pause'].entries())
        socket.send(JSON.stringify({ id: id + 1, method }));
    });
    socket.addEventListener('message', ({ data }) => {
      const { method, params } = JSON.parse(String(data)) as PausedMessage;
      if (method === 'Debugger.scriptParsed' && params?.scriptId) urls.set(params.scriptId, params.url ?? '');
      if (method !== 'Debugger.paused' || !params) return;
      resolve(
        params.callFrames.map(({ functionName, url, location }) => ({
          functionName,
          url: url || (urls.get(location.scriptId) ?? ''),
          line: location.lineNumber,
          column: location.columnNumber,
        })),
      );
    });
  });
}
