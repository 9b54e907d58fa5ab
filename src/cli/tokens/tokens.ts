import type { CreatedToken, RevokedToken, Token } from '../../contract/tenants/access.js';
import { momentAhead } from './expiry.js';
import type { ApiAccess } from '../http/api-access.js';
import { ask } from '../http/ask.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Output, paint, plain } from '../output/output.js';
import { type Cell, tableOf } from '../output/table.js';

/** What the commands need beside their command line. */
export interface TokensIo {
  access: ApiAccess;
  output: Output;
}

interface ShownOptions {
  json?: boolean;
}

/** Options of `bifrost tokens create`. */
export interface CreateOptions extends ShownOptions {
  role: string;
  organization?: readonly string[];
  expires?: string;
}

const HEADINGS = ['ID', 'NAME', 'ROLE', 'ORGANIZATIONS', 'MADE BY', 'ENDS'];

/** `bifrost tokens`. Each command here throws {@link CommandError} without a proper answer. */
export async function listTokens({ json }: ShownOptions, { access, output }: TokensIo): Promise<ExitCode> {
  const answer = await ask<{ tokens: Token[] }>(access, { path: '/tokens', field: 'tokens' });
  const { stdout } = output;
  if (json) stdout.write(asJson(answer));
  else if (answer.tokens.length === 0) stdout.write('no tokens beside API_TOKEN\n');
  else
    stdout.write(
      tableOf(
        HEADINGS,
        answer.tokens.map((token) => rowOf(token, stdout)),
      ),
    );
  return EXIT.succeeded;
}

/** `bifrost tokens create NAME`: prints the text of the token, which is shown this once. */
export async function createToken(
  name: string,
  { role, organization, expires, json }: CreateOptions,
  { access, output }: TokensIo,
): Promise<ExitCode> {
  const answer = await ask<CreatedToken>(access, {
    method: 'POST',
    path: '/tokens',
    body: {
      name,
      role,
      ...(organization === undefined ? {} : { organizations: organization }),
      ...(expires === undefined ? {} : { expires_at: momentAhead('--expires', expires, new Date()) }),
    },
    field: 'token',
  });
  if (json) output.stdout.write(asJson(answer));
  else {
    output.stdout.write(`${plain(answer.token)}\n`);
    output.stderr.write(
      `This is token ${plain(answer.id)}; its text is not kept, and cannot be shown again.\n`,
    );
  }
  return EXIT.succeeded;
}

/** `bifrost tokens revoke ID` */
export async function revokeToken(
  id: string,
  { json }: ShownOptions,
  { access, output }: TokensIo,
): Promise<ExitCode> {
  const path = `/tokens/${encodeURIComponent(id)}`;
  const answer = await ask<RevokedToken>(access, { method: 'DELETE', path, field: 'id' });
  output.stdout.write(json ? asJson(answer) : `${plain(id)} is revoked\n`);
  return EXIT.succeeded;
}

function rowOf({ id, name, role, organizations, ...token }: Token, stdout: NodeJS.WritableStream): Cell[] {
  const ends = token.expires_at ?? 'never';
  const cells = [id, name, role, organizations?.join(', ') ?? 'all', token.created_by];
  return [
    ...cells.map((text) => ({ text: plain(text) })),
    { text: plain(ends), paint: (text) => (token.expired ? paint('red', text, stdout) : text) },
  ];
}
