import type { PackageUse } from './package-use.js';

/** Ports of the servers that are spoken to, all of them at `localhost`. */
export interface ServerPorts {
  postgres: number;
  mysql: number;
  smtp: number;
  http: number;
  https: number;
}

/** Clients and the real servers that they speak to. `ca` is the authority of every certificate. */
export const serverUses = (ports: ServerPorts, ca: string): PackageUse[] =>
  USES.map((one) => ({ ...one, parameters: { ...ports, ca } }));

const USES: readonly PackageUse[] = [
  {
    name: 'pg',
    title: 'pg, a client and a pool',
    code: `import pg from 'pg';
export default async ({ postgres }) => {
  const at = { host: 'localhost', port: postgres, user: 'postgres', database: 'postgres' };
  const client = new pg.Client(at);
  await client.connect();
  await client.query('create temp table t (a int, b text)');
  await client.query('insert into t values ($1, $2)', [1, 'x']);
  const { rows } = await client.query('select * from t');
  const failure = await client.query('select * from none').catch((error) => error.code);
  await client.end();
  const pool = new pg.Pool({ ...at, max: 3 });
  const sums = await Promise.all([1, 2, 3, 4].map((n) => pool.query('select $1::int * 2 as n', [n])));
  await pool.end();
  return [rows, failure, sums.map((answer) => answer.rows[0].n)];
};`,
    is: [[{ a: 1, b: 'x' }], '42P01', [2, 4, 6, 8]],
  },
  {
    name: 'postgres',
    code: `import postgres from 'postgres';
export default async ({ postgres: port }) => {
  const sql = postgres({ host: 'localhost', port, user: 'postgres', database: 'postgres', onnotice: () => {} });
  const rows = await sql\`select \${5}::int as n, now() > 'epoch' as later\`;
  await sql.end();
  return rows.map((row) => ({ ...row }));
};`,
    is: [{ n: 5, later: true }],
  },
  {
    name: 'knex',
    with: ['pg'],
    code: `import knex from 'knex';
export default async ({ postgres: port }) => {
  const db = knex({ client: 'pg', connection: { host: 'localhost', port, user: 'postgres', database: 'postgres' } });
  const rows = await db.transaction(async (tx) => {
    await tx.schema.createTable('k', (t) => t.integer('a'));
    await tx('k').insert([{ a: 1 }, { a: 2 }]);
    const found = await tx('k').where('a', '>', 1);
    await tx.schema.dropTable('k');
    return found;
  });
  await db.destroy();
  return rows;
};`,
    is: [{ a: 2 }],
  },
  {
    name: 'mysql2',
    code: `import mysql from 'mysql2/promise';
export default async ({ mysql: port }) => {
  const db = await mysql.createConnection({ host: 'localhost', port, user: 'u', password: 'p', database: 'd' });
  const [rows] = await db.query('select 1 + ? as n', [1]);
  await db.end();
  const pool = mysql.createPool({ host: 'localhost', port, user: 'u', password: 'p', database: 'd', connectionLimit: 2 });
  const many = await Promise.all([1, 2, 3].map(async () => (await pool.query('select 1'))[0].length));
  await pool.end();
  return [rows, many];
};`,
    is: [[{ said: 'select 1 + 1 as n' }], [1, 1, 1]],
  },
  {
    name: 'nodemailer',
    title: 'nodemailer, by STARTTLS',
    code: `import nodemailer from 'nodemailer';
export default async ({ smtp: port, ca }) => {
  const transport = nodemailer.createTransport({ host: 'localhost', port, requireTLS: true, tls: { ca }, auth: { user: 'u', pass: 'p' } });
  const { accepted, response } = await transport.sendMail({ from: 'a@test', to: 'b@test', subject: 's', text: 'x'.repeat(100_000) });
  const refused = await transport.sendMail({ from: 'a@test', to: 'refused@test', text: 'x' }).catch((error) => error.responseCode);
  return [accepted, response.split(' ').slice(0, 3), refused];
};`,
    is: [['b@test'], ['250', 'secure', 'true'], 550],
  },
  {
    name: 'undici',
    title: 'undici with Agent, Pool and Client',
    code: `import { Agent, Client, fetch, Pool, request, setGlobalDispatcher } from 'undici';
export default async ({ http, https, ca }) => {
  const plain = 'http://localhost:' + http;
  const secure = 'https://localhost:' + https;
  const agent = new Agent({ connect: { ca }, connections: 2 });
  setGlobalDispatcher(agent);
  const texts = await Promise.all([1, 2, 3].map(async (n) => (await request(secure + '/' + n)).body.text()));
  const fetched = await (await fetch(plain + '/f', { method: 'POST', body: 'abc' })).text();
  const pool = new Pool(plain, { connections: 1, pipelining: 4 });
  const pooled = await Promise.all([1, 2].map(async (n) => (await pool.request({ path: '/p' + n, method: 'GET' })).body.text()));
  const client = new Client(secure, { connect: { ca }, allowH2: false });
  const streamed = await (await client.request({ path: '/c', method: 'PUT', body: 'x'.repeat(1e6) })).body.text();
  await Promise.all([pool.close(), client.close(), agent.close()]);
  return [texts, fetched, pooled, streamed];
};`,
    is: [['GET /1 0', 'GET /2 0', 'GET /3 0'], 'POST /f 3', ['GET /p1 0', 'GET /p2 0'], 'PUT /c 1000000'],
  },
  {
    name: 'axios',
    code: `import axios from 'axios';
import https from 'node:https';
export default async ({ https: port, ca }) => {
  const agent = new https.Agent({ ca, keepAlive: true });
  const client = axios.create({ baseURL: 'https://localhost:' + port, httpsAgent: agent });
  const texts = [(await client.get('/a')).data, (await client.post('/b', 'xyz')).data];
  agent.destroy();
  return texts;
};`,
    is: ['GET /a 0', 'POST /b 3'],
  },
];
