/**
 * Takes pictures of the local variables of the calls that an error goes through, at the moment it is
 * thrown, through V8's debugger in this very thread. Node reports which errors will not be caught
 * before the stack unwinds; those that are caught cost nothing.
 */
import type { Debugger, Session } from 'node:inspector';
import type { FailedFrame } from '../../boundary/runner-frames.js';
import { builtinModule, descriptorOf, keysOf, stringify, text } from '../channel/primordials.js';
import { namesOf, Snapshot, type SnapshotBounds } from './snapshot.js';

const BOUNDS: SnapshotBounds = { depth: 3, entries: 20, chars: 200, total: 16_384 };
const MAX_FRAMES = 5;
const MAX_VARIABLES = 50;
/** Errors whose pictures are kept until it is known which one ends the execution. */
const MAX_KEPT = 5;
/** While a module loads, errors that will be caught stop the code too; after this many it stops no more. */
const MAX_STOPS = 1_000;
const SCOPES = new Set(['local', 'block', 'catch', 'closure', 'module', 'with', 'eval']);
/** What Node gives every CommonJS module. */
const COMMONJS_NAMES = ['exports', 'require', 'module', '__filename', '__dirname'];

interface Picture {
  /** First line of what V8 says of the thrown value. */
  title: string;
  /** JSON text of a list of {@link FailedFrame}. */
  json: string;
}

/** What the debugger says of a thrown value. */
interface ThrownValue {
  description?: string;
  value?: unknown;
}

type Post = (method: string, params: object, done?: (error: Error | null, result: never) => void) => void;

/** The debugger's session of one execution. */
export class LocalVariables {
  private readonly urls = new Map<string, string>();
  private readonly pictures: Picture[] = [];
  private readonly post: Post;
  private stops = 0;
  private sinkId = '';
  private scope: object = {};

  private constructor(
    private readonly session: Session,
    private readonly isShown: (url: string) => boolean,
  ) {
    this.post = session.post.bind(session) as Post;
  }

  /** Starts to watch; null where the debugger is not available. `isShown`: whether a file's calls are the user's. */
  static start(isShown: (url: string) => boolean): LocalVariables | null {
    try {
      const { Session } = builtinModule('node:inspector') as typeof import('node:inspector');
      const session = new Session();
      session.connect();
      const locals = new LocalVariables(session, isShown);
      locals.enable();
      return locals;
    } catch {
      return null;
    }
  }

  /** While modules load, Node itself catches what they throw: then every error is looked at. */
  watch(which: 'all' | 'uncaught'): void {
    this.post('Debugger.setPauseOnExceptions', { state: which });
  }

  /** Ends the session. */
  stop(): void {
    this.session.disconnect();
  }

  /** JSON text of the calls that this thrown value went through; 'null' when nothing is known of them. */
  of(thrown: unknown): string {
    const title = titleOf(thrown);
    for (let i = this.pictures.length - 1; i >= 0; i--) {
      const picture = this.pictures[i] as Picture;
      if (picture.title === title) return picture.json;
    }
    return 'null';
  }

  private enable(): void {
    this.session.on('Debugger.scriptParsed', ({ params }) => this.urls.set(params.scriptId, params.url));
    this.session.on('Debugger.paused', ({ params }) => this.onPaused(params));
    this.post('Debugger.enable', {});
    // How the debugger hands values to us: as arguments of a call that user code cannot see.
    const name = `bifrost:${Math.random()}`;
    const globals = globalThis as unknown as Record<string, unknown>;
    globals[name] = { take: (scope: object) => void (this.scope = scope) };
    const expression = `globalThis[${stringify(name)}]`;
    this.post('Runtime.evaluate', { expression }, (_error, { result }: { result: { objectId: string } }) => {
      this.sinkId = result.objectId;
    });
    delete globals[name];
  }

  private onPaused({ callFrames, data, reason }: Debugger.PausedEventDataType): void {
    if (reason !== 'exception' && reason !== 'promiseRejection') return;
    this.stops += 1;
    if (this.stops === MAX_STOPS) this.watch('uncaught');
    try {
      const json = this.framesJson(callFrames);
      const thrown: ThrownValue | undefined = data;
      const title = firstLine(text(thrown?.description ?? thrown?.value));
      if (json === '[]') return;
      if (this.pictures.length >= MAX_KEPT) this.pictures.shift();
      this.pictures.push({ title, json });
    } catch {
      // Without a picture the execution fails as it would have.
    }
  }

  private framesJson(callFrames: Debugger.CallFrame[]): string {
    const snapshot = new Snapshot(BOUNDS);
    let body = '';
    let shown = 0;
    for (let i = 0; i < callFrames.length && shown < MAX_FRAMES; i++) {
      const { functionName, location, scopeChain } = callFrames[i] as Debugger.CallFrame;
      const url = this.urls.get(location.scriptId) ?? '';
      if (!this.isShown(url)) continue;
      const fields: Record<keyof FailedFrame, string> = {
        functionName: stringify(functionName.slice(0, 200)),
        url: stringify(url.slice(0, 1_000)),
        line: `${location.lineNumber}`,
        column: `${location.columnNumber ?? 0}`,
        variables: this.variablesJson(scopeChain, snapshot),
      };
      let frame = '';
      for (const name of keysOf(fields))
        frame += `${frame === '' ? '' : ','}"${name}":${fields[name as keyof FailedFrame]}`;
      body += `${shown === 0 ? '' : ','}{${frame}}`;
      shown += 1;
    }
    return `[${body}]`;
  }

  /** Inner scopes hide the names of outer ones. */
  private variablesJson(scopes: Debugger.Scope[], snapshot: Snapshot): string {
    const seen = new Set<string>();
    let body = '';
    for (const { type, object } of scopes) {
      if (!SCOPES.has(type) || object.objectId === undefined) continue;
      const scope = this.valueOf(object.objectId);
      const names = namesOf(scope);
      const isCommonJs = COMMONJS_NAMES.every((name) => names.includes(name));
      for (const name of names) {
        if (seen.has(name) || seen.size >= MAX_VARIABLES || snapshot.isFull) continue;
        if (isCommonJs && COMMONJS_NAMES.includes(name)) continue;
        const value: unknown = descriptorOf(scope, name)?.value;
        if (typeof value === 'function' || value === undefined) continue;
        seen.add(name);
        body += `${body === '' ? '' : ','}${stringify(name)}:${snapshot.take(name, value)}`;
      }
    }
    return `{${body}}`;
  }

  private valueOf(objectId: string): object {
    this.scope = {};
    this.post('Runtime.callFunctionOn', {
      objectId: this.sinkId,
      functionDeclaration: 'function (scope) { this.take(scope) }',
      arguments: [{ objectId }],
      silent: true,
    });
    return this.scope;
  }
}

function titleOf(thrown: unknown): string {
  try {
    const isError = typeof thrown === 'object' && thrown !== null && 'stack' in thrown;
    return firstLine(text(isError ? thrown.stack : thrown));
  } catch {
    return '';
  }
}

const firstLine = (value: string): string => value.slice(0, 1_000).split('\n', 1)[0] as string;
