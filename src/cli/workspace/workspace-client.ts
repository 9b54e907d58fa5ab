import type {
  GenerationDiff,
  GenerationRecord,
  Publication,
  WorkspaceView,
} from '../../contract/workspace.js';
import type { ApiAccess } from '../http/api-access.js';
import { refusalError, strangeAnswer } from '../http/api-errors.js';
import { type ApiRequest, parseJson, sendRequest } from '../http/api-request.js';
import { CommandError, EXIT } from '../output/exit.js';
import { plain } from '../output/output.js';

const ANSWER_TIMEOUT_MS = 30_000;
/** The first publish of a large workspace compiles all of it. */
const PUBLISH_TIMEOUT_MS = 600_000;

/** What to publish, all of it by hash. */
export interface PublishRequest {
  paths: Record<string, string>;
  expected?: number | null;
  message?: string;
  dry_run?: boolean;
  temporary?: boolean;
}

/** Speaks to `/workspace`. Every method throws {@link CommandError} with advice when there is no proper answer. */
export class WorkspaceClient {
  constructor(
    private readonly access: ApiAccess,
    private readonly interrupt?: AbortSignal,
  ) {}

  /** Publishes, or names the sources that the API does not have. */
  async publish(request: PublishRequest): Promise<Publication | { missing: string[] }> {
    const { status, text } = await this.send('PUT', '/workspace', request, PUBLISH_TIMEOUT_MS);
    const body = parseJson(text);
    const problem = (body ?? {}) as Problem;
    if (status === 422 && Array.isArray(problem.missing)) return { missing: problem.missing };
    if (status === 422 && Array.isArray(problem.errors)) throw syntaxError(problem.errors);
    return this.expect(status, body, 'diff') as Publication;
  }

  /** Sends sources that a publish will name. */
  async sendSources(sources: readonly string[]): Promise<void> {
    await this.ask('PUT', '/workspace/sources', 'hashes', { sources });
  }

  /** The newest generations. */
  overview(): Promise<WorkspaceView> {
    return this.ask('GET', '/workspace?paths=false', 'log');
  }

  /** Path -> SHA-256 of the source, of the current generation or another one. */
  paths(generation?: number): Promise<WorkspaceView & { paths: Record<string, string> }> {
    return this.ask(
      'GET',
      `/workspace${generation === undefined ? '' : `?generation=${generation}`}`,
      'paths',
    );
  }

  diff(from: number, to: number): Promise<GenerationDiff> {
    return this.ask('GET', `/workspace/diff?from=${from}&to=${to}`, 'added');
  }

  rollback(generation: number, message?: string): Promise<GenerationRecord> {
    const body = { generation, ...(message === undefined ? {} : { message }) };
    return this.ask('POST', '/workspace/rollback', 'generation', body);
  }

  /** One source. */
  async readFile(generation: number, path: string): Promise<string> {
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    const { status, text } = await this.send('GET', `/workspace/${generation}/files/${encoded}`);
    if (status !== 200) throw refusalError({ status, body: parseJson(text) }, this.access);
    return text;
  }

  private async ask<T>(method: ApiRequest['method'], path: string, field: string, body?: object): Promise<T> {
    const { status, text } = await this.send(method, path, body);
    return this.expect(status, parseJson(text), field) as T;
  }

  /** `field`: one that only this API's answer would have. */
  private expect(status: number, body: unknown, field: string): object {
    const { detail } = (body ?? {}) as Problem;
    // There the detail says what is missing; everything else gets advice about the address.
    if (status === 404 && typeof detail === 'string' && detail.startsWith('There is no generation')) {
      throw new CommandError(EXIT.usage, plain(detail));
    }
    if (status < 200 || status > 299) throw refusalError({ status, body }, this.access);
    if (typeof body !== 'object' || body === null || !(field in body))
      throw strangeAnswer(status, this.access);
    return body;
  }

  private send(
    method: ApiRequest['method'],
    path: string,
    body?: object,
    timeoutMs = ANSWER_TIMEOUT_MS,
  ): Promise<{ status: number; text: string }> {
    return sendRequest(this.access, {
      method,
      path,
      timeoutMs,
      ...(body === undefined ? {} : { json: JSON.stringify(body) }),
      ...(this.interrupt === undefined ? {} : { interrupt: this.interrupt }),
    });
  }
}

interface Problem {
  detail?: unknown;
  missing?: string[];
  errors?: SourceError[];
}

interface SourceError {
  field: string;
  message: string;
  line?: number;
  column?: number;
}

/** `file:line:column: reason`, as compilers say it and editors link it, and the line of code below. */
function syntaxError(errors: readonly SourceError[]): CommandError {
  const lines = errors.flatMap(({ field, message, line, column }) => {
    const [reason = '', ...frame] = message.split('\n');
    if (line === undefined || column === undefined) return [plain(message)];
    // The first line of the frame repeats the place.
    return [`${plain(field)}:${line}:${column}: ${plain(reason)}`, ...frame.slice(1).map(plain)];
  });
  return new CommandError(EXIT.usage, `syntax errors; nothing was published\n${lines.join('\n')}`);
}
