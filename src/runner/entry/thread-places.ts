import type { Session } from 'node:inspector';
import { within } from '../../lib/time-limit.js';
import type { CodePlace } from '../../boundary/runner-frames.js';
import { parse, stringify } from '../channel/primordials.js';

const PLACES_SHOWN = 50;

interface AttachedEvent {
  params: { sessionId: string; workerInfo: { title: string } };
}
interface ReceivedEvent {
  params: { sessionId: string; message: string };
}
interface Message {
  method?: string;
  params?: {
    scriptId?: string;
    url?: string;
    callFrames?: { functionName: string; url: string; location: Location }[];
  };
}
interface Location {
  scriptId: string;
  lineNumber: number;
  columnNumber: number;
}

/**
 * Where the JavaScript of a thread is right now, innermost call first; null when it cannot be found
 * within `timeoutMs`, as for a thread inside a native call.
 */
export async function placesOf(threadId: number, timeoutMs: number): Promise<CodePlace[] | null> {
  const inspector = await import('node:inspector');
  const session = new inspector.Session();
  session.connect();
  let attached: string | undefined;
  try {
    const paused = pausedPlaces(session, `[worker ${threadId}]`, (id) => (attached = id));
    return await within(paused, timeoutMs, () => null);
  } catch {
    return null;
  } finally {
    // A thread that stands in the debugger cannot be ended.
    if (attached !== undefined) post(session, 'NodeWorker.detach', { sessionId: attached });
    session.disconnect();
  }
}

function post(session: Session, method: string, params: object): void {
  (session.post as (method: string, params: object, done: () => void) => void)(
    method,
    params,
    () => undefined,
  );
}

function pausedPlaces(
  session: Session,
  title: string,
  onAttached: (sessionId: string) => void,
): Promise<CodePlace[]> {
  const urls = new Map<string, string>();
  let own: string | undefined;
  return new Promise((resolve) => {
    session.on('NodeWorker.attachedToWorker' as 'inspectorNotification', (event) => {
      const { params } = event as unknown as AttachedEvent;
      const { sessionId } = params;
      if (own !== undefined || !params.workerInfo.title.startsWith(title)) {
        return post(session, 'NodeWorker.detach', { sessionId });
      }
      own = sessionId;
      onAttached(sessionId);
      for (const [id, method] of ['Debugger.enable', 'Debugger.pause'].entries())
        post(session, 'NodeWorker.sendMessageToWorker', {
          sessionId,
          message: stringify({ id: id + 1, method }),
        });
    });
    session.on('NodeWorker.receivedMessageFromWorker' as 'inspectorNotification', (event) => {
      const { params: received } = event as unknown as ReceivedEvent;
      if (received.sessionId !== own) return;
      const { method, params } = parse(received.message) as Message;
      if (method === 'Debugger.scriptParsed' && params?.scriptId) urls.set(params.scriptId, params.url ?? '');
      if (method !== 'Debugger.paused') return;
      resolve(
        (params?.callFrames ?? []).slice(0, PLACES_SHOWN).map(({ functionName, url, location }) => ({
          functionName: functionName.slice(0, 200),
          url: (url || (urls.get(location.scriptId) ?? '')).slice(0, 1_000),
          line: location.lineNumber,
          column: location.columnNumber,
        })),
      );
    });
    post(session, 'NodeWorker.enable', { waitForDebuggerOnStart: false });
  });
}
