import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { RemovedSecret, RotatedSecrets, Secret } from '../../contract/tenants/secret.js';
import type { ApiAccess } from '../http/api-access.js';
import { ask } from '../http/ask.js';
import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Output, plain } from '../output/output.js';
import { tableOf } from '../output/table.js';

/** What the commands need beside their command line. */
export interface SecretsIo {
  access: ApiAccess;
  output: Output;
  /** Where `-` is read. */
  input: AsyncIterable<Uint8Array>;
}

interface ShownOptions {
  json?: boolean;
}

const HEADINGS = ['NAME', 'KEY', 'CHANGED'];

const secretsOf = (organization: string): string =>
  `/organizations/${encodeURIComponent(organization)}/secrets`;
const secretAt = (organization: string, name: string): string =>
  `${secretsOf(organization)}/${encodeURIComponent(name)}`;

/** `bifrost secrets list ORGANIZATION`. Each command here throws {@link CommandError} without a proper answer. */
export async function listSecrets(
  organization: string,
  { json }: ShownOptions,
  { access, output }: SecretsIo,
): Promise<ExitCode> {
  const answer = await ask<{ secrets: Secret[] }>(access, {
    path: secretsOf(organization),
    field: 'secrets',
  });
  if (json) output.stdout.write(asJson(answer));
  else if (answer.secrets.length === 0) output.stdout.write(`no secrets of ${plain(organization)}\n`);
  else
    output.stdout.write(
      tableOf(
        HEADINGS,
        answer.secrets.map(({ name, key_id, updated_at }) =>
          [name, key_id, updated_at].map((cell) => ({ text: plain(cell) })),
        ),
      ),
    );
  return EXIT.succeeded;
}

/**
 * `bifrost secrets set ORGANIZATION NAME FILE`: the value comes from a file or standard input, and never from the
 * command line, which other programs see. One line break at its end does not count.
 */
export async function setSecret(
  organization: string,
  name: string,
  file: string,
  { json }: ShownOptions,
  { access, output, input }: SecretsIo,
): Promise<ExitCode> {
  const value = (file === '-' ? await text(input) : await read(file)).replace(/\r?\n$/, '');
  const path = secretAt(organization, name);
  const answer = await ask<Secret>(access, { method: 'PUT', path, body: { value }, field: 'name' });
  output.stdout.write(json ? asJson(answer) : `${plain(name)} of ${plain(organization)} is set\n`);
  return EXIT.succeeded;
}

/** `bifrost secrets remove ORGANIZATION NAME` */
export async function removeSecret(
  organization: string,
  name: string,
  { json }: ShownOptions,
  { access, output }: SecretsIo,
): Promise<ExitCode> {
  const path = secretAt(organization, name);
  const answer = await ask<RemovedSecret>(access, { method: 'DELETE', path, field: 'name' });
  output.stdout.write(json ? asJson(answer) : `${plain(name)} of ${plain(organization)} is removed\n`);
  return EXIT.succeeded;
}

/** `bifrost secrets rotate`: fails where a secret could not be encrypted anew. */
export async function rotateSecrets(
  { json }: ShownOptions,
  { access, output }: SecretsIo,
): Promise<ExitCode> {
  const answer = await ask<RotatedSecrets>(access, {
    method: 'POST',
    path: '/secrets/rotate',
    field: 'rotated',
  });
  const { key_id: keyId, rotated, unchanged, unreadable } = answer;
  if (json) output.stdout.write(asJson(answer));
  else
    output.stdout.write(
      `${rotated} encrypted anew with the key ${plain(keyId)}, ${unchanged} had it already\n`,
    );
  for (const { organization, name, key_id: id } of json ? [] : unreadable)
    output.stderr.write(
      `${plain(name)} of ${plain(organization)} is as before: SECRETS_KEY lacks its key ${plain(id)}, or its record was changed\n`,
    );
  return unreadable.length === 0 ? EXIT.succeeded : EXIT.failed;
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(EXIT.usage, `${file}: ${(error as Error).message}`);
  }
}
