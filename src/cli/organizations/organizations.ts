import type { Organization, QuotaName, Quota, RemovedOrganization } from '../../contract/organization.js';
import type { ApiAccess } from '../http/api-access.js';
import { ask, askAll } from '../http/ask.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Output, plain } from '../output/output.js';
import { type Cell, tableOf } from '../output/table.js';
import { changedSettings, type SetOptions } from './organization-options.js';

/** What the commands need beside their command line. */
export interface OrganizationsIo {
  access: ApiAccess;
  output: Output;
}

interface ShownOptions {
  json?: boolean;
}

const HEADINGS = ['ID', 'WEIGHT', 'MOST AT ONCE', 'RATE', 'QUOTAS', 'CHANGED'];

const pathOf = (id: string): string => `/organizations/${encodeURIComponent(id)}`;

/** `bifrost organizations`. Each command here throws {@link CommandError} without a proper answer. */
export async function listOrganizations(
  { json }: ShownOptions,
  { access, output }: OrganizationsIo,
): Promise<ExitCode> {
  const organizations = await askAll<Organization>(access, '/organizations', 'organizations');
  if (json) output.stdout.write(asJson({ organizations }));
  else if (organizations.length === 0) output.stdout.write('nothing is set of any organization\n');
  else output.stdout.write(tableOf(HEADINGS, organizations.map(rowOf)));
  return EXIT.succeeded;
}

/** `bifrost organizations show ID` */
export async function showOrganization(
  id: string,
  options: ShownOptions,
  { access, output }: OrganizationsIo,
): Promise<ExitCode> {
  return print(await find(id, access), options, output);
}

/** `bifrost organizations set ID`: changes what the options name, and nothing else. */
export async function setOrganization(
  id: string,
  options: SetOptions,
  { access, output }: OrganizationsIo,
): Promise<ExitCode> {
  const body = changedSettings(await find(id, access), options);
  const answer = await ask<Organization>(access, { method: 'PUT', path: pathOf(id), body, field: 'id' });
  return print(answer, options, output);
}

/** `bifrost organizations remove ID` */
export async function removeOrganization(
  id: string,
  { json }: ShownOptions,
  { access, output }: OrganizationsIo,
): Promise<ExitCode> {
  const answer = await ask<RemovedOrganization>(access, { method: 'DELETE', path: pathOf(id), field: 'id' });
  output.stdout.write(json ? asJson(answer) : `nothing is set of ${plain(id)} any more\n`);
  return EXIT.succeeded;
}

const find = (id: string, access: ApiAccess): Promise<Organization> =>
  ask<Organization>(access, { path: pathOf(id), field: 'id' });

function print(organization: Organization, { json }: ShownOptions, { stdout }: Output): ExitCode {
  stdout.write(json ? asJson(organization) : textOf(organization));
  return EXIT.succeeded;
}

const rowOf = (organization: Organization): Cell[] =>
  [
    organization.id,
    String(organization.weight),
    String(organization.max_running ?? '-'),
    rateOf(organization),
    quotasOf(organization).join(', ') || '-',
    organization.updated_at ?? '-',
  ].map((text) => ({ text: plain(text) }));

function textOf(organization: Organization): string {
  const { id, weight, max_running: most, workflows, limits, updated_at: at } = organization;
  const lines: [string, string][] = [
    ['weight', String(weight)],
    ['most at once', String(most ?? 'no cap')],
    ['rate', rateOf(organization)],
    ...Object.entries(workflows).map(([name, cap]): [string, string] => [
      `workflow ${name}`,
      `${cap.max_running} at once`,
    ]),
    ...quotasOf(organization).map((text): [string, string] => ['quota', text]),
    ...Object.entries(limits)
      .filter(([, value]) => value != null)
      .map(([name, value]): [string, string] => [name, String(value)]),
    ['changed', at ?? 'never: nothing is set of it'],
  ];
  return `${plain(id)}\n${lines.map(([name, value]) => `  ${plain(name)}: ${plain(value)}\n`).join('')}`;
}

const rateOf = ({ rate }: Organization): string =>
  rate == null ? '-' : `${rate.executions} in ${rate.per_seconds} s`;

const quotasOf = ({ quotas }: Organization): string[] =>
  (Object.entries(quotas) as [QuotaName, Quota | null | undefined][]).flatMap(([name, quota]) =>
    quota == null ? [] : [`${name} ${quota.limit} a day (${quota.action})`],
  );
